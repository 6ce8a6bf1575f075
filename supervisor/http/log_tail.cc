#include "supervisor/http/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "supervisor/job_log.h"

namespace stream::http {
namespace {

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    there_ = descriptor_ >= 0 && ::fstat(descriptor_, &info_) == 0;
  }
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;

  bool there() const { return there_; }
  int descriptor() const { return descriptor_; }
  ino_t inode() const { return there_ ? info_.st_ino : 0; }
  std::uint64_t size() const { return there_ ? static_cast<std::uint64_t>(info_.st_size) : 0; }

 private:
  int descriptor_;
  struct stat info_ {};
  bool there_ = false;
};

}  // namespace

LogTail::LogTail(std::string folder) : folder_(std::move(folder)) {
  const File file(folder_ + "/" + std::string(kLogFile));
  inode_ = file.inode();
  offset_ = file.size();
}

LogTail::Look LogTail::look() {
  Look out;
  const File file(folder_ + "/" + std::string(kLogFile));
  if (!file.there()) return out;
  if (file.inode() != inode_) {
    // It was rotated: what has come to the old one since the last look is in there.
    const File old(folder_ + "/stream.1.log");
    if (inode_ != 0 && old.inode() == inode_) read_from(old.descriptor(), old.size(), out);
    inode_ = file.inode();
    offset_ = 0;
    partial_.clear();
  }
  read_from(file.descriptor(), file.size(), out);
  return out;
}

void LogTail::read_from(int file, std::uint64_t end, Look& out) {
  if (end < offset_) offset_ = 0;             // it was cut
  const bool cut = end - offset_ > kTailMax;  // then the first line is no whole one
  if (cut) {
    out.skipped += end - kTailMax - offset_ + partial_.size();
    offset_ = end - kTailMax;
    partial_.clear();
  }
  std::string text(std::min(end - offset_, kTailMax), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), static_cast<off_t>(offset_));
  if (got <= 0) return;
  text.resize(static_cast<std::size_t>(got));
  offset_ += static_cast<std::uint64_t>(got);
  std::size_t begin = 0;
  if (cut) {
    const std::size_t first = text.find('\n');
    begin = first == std::string::npos ? text.size() : first + 1;
    out.skipped += begin;
  }
  for (std::size_t at = 0; (at = text.find('\n', begin)) != std::string::npos; begin = at + 1) {
    out.lines.push_back(partial_ + text.substr(begin, at - begin));
    partial_.clear();
  }
  partial_ += text.substr(begin);
  if (partial_.size() > kTailMax) partial_.clear();
}

}  // namespace stream::http
