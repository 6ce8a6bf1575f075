#include "supervisor/answer_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "transport/record/key.h"

namespace stream {
namespace {

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

// Nothing is synced: after a power cut a file may be cut short or hold zeros.
std::string file_text(const std::string& question, const std::string& answer) {
  return std::to_string(question.size()) + " " + hex(hash_key(answer)) + "\n" + question + "\n" + answer;
}

}  // namespace

std::string identity_of(const std::string& executable) {
  struct stat info = {};
  if (::stat(executable.c_str(), &info) != 0) return "";
  return executable + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_ino) + " " +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

std::optional<std::string> AnswerCache::find(const std::string& name, const std::string& question) {
  if (folder_.empty()) return std::nullopt;
  const auto text = files_.read_file(folder_ + "/" + name);
  if (!text.ok()) return std::nullopt;
  const std::size_t begin = text->find('\n') + 1 + question.size() + 1;
  if (text->find('\n') == std::string::npos || begin > text->size()) return std::nullopt;
  std::string answer = text->substr(begin);
  if (*text != file_text(question, answer)) return std::nullopt;
  return answer;
}

void AnswerCache::keep(const std::string& name, const std::string& question, const std::string& answer) {
  if (folder_.empty() || !files_.make_dir(folder_).ok()) return;
  const std::string path = folder_ + "/" + name;
  const std::string scratch = path + "." + std::to_string(::getpid());
  if (!files_.write_file(scratch, file_text(question, answer)).ok() || !files_.rename(scratch, path).ok()) {
    (void)files_.remove(scratch);
  }
}

std::string describe_name(const std::string& executable) { return "describe-" + hex(hash_key(executable)); }

std::string plan_name(const std::string& question) { return "plan-" + hex(hash_key(question) % 1024); }

}  // namespace stream
