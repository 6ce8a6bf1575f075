#include "compare/line_source.h"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace stream {
namespace {

namespace fs = std::filesystem;

bool has_ending(const fs::path& file, ResultForm form) {
  const std::string ending = file.extension().string();
  if (form == ResultForm::kCsv) return ending == ".csv" || ending == ".tsv";
  return ending == ".ndjson" || ending == ".jsonl" || ending == ".json";
}

bool hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

Result<std::vector<std::string>> files_below(const std::string& path, ResultForm form) {
  std::vector<std::string> files;
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector{path};
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (hidden(it->path())) {
      if (it->is_directory(error)) it.disable_recursion_pending();
    } else if (it->is_regular_file(error) && has_ending(it->path(), form)) {
      files.push_back(it->path().string());
    }
  }
  if (error) return system_error("list", path, error.value());
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<LineSource> LineSource::open(const std::string& path, ResultForm form, bool growing) {
  LineSource source;
  STREAM_ASSIGN(source.files_, files_below(path, form));
  source.growing_ = growing;
  return source;
}

std::string LineSource::place() const { return files_[std::min(at_, files_.size() - 1)] + ":" + std::to_string(line_); }

// Appends to pending_ up to the end of a line, or as far as the file goes.
Status LineSource::read_line() {
  char* text = nullptr;
  std::size_t room = 0;
  std::clearerr(file_.get());
  const ssize_t length = ::getline(&text, &room, file_.get());
  const int error = errno;
  if (length > 0) pending_.append(text, static_cast<std::size_t>(length));
  std::free(text);  // NOLINT: getline() has allocated it
  return length < 0 && std::ferror(file_.get()) != 0 ? system_error("read", files_[at_], error) : Status();
}

Result<bool> LineSource::next(std::string& line) {
  for (; at_ < files_.size(); ++at_) {
    if (file_ == nullptr) {
      file_.reset(std::fopen(files_[at_].c_str(), "re"));
      if (file_ == nullptr && growing_ && errno == ENOENT) return false;
      if (file_ == nullptr) return system_error("open", files_[at_], errno);
      line_ = 0;
    }
    STREAM_TRY(read_line());
    const bool whole = pending_.ends_with('\n');
    if (growing_ && !whole) return false;
    if (!pending_.empty()) {
      if (whole) pending_.pop_back();
      if (pending_.ends_with('\r')) pending_.pop_back();
      line = std::exchange(pending_, {});
      ++line_;
      return true;
    }
    file_.reset();
  }
  return false;
}

}  // namespace stream
