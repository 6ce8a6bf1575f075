#include "supervisor/stage_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "supervisor/child.h"
#include "supervisor/pipeline.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kPrefix = "stream-";

bool is_executable(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string text_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// Changes whenever the file is replaced or written.
std::string identity_of(const std::string& executable) {
  struct stat info = {};
  if (::stat(executable.c_str(), &info) != 0) return "";
  return executable + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_ino) + " " +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

std::vector<std::string> stage_folders() {
  std::vector<std::string> folders;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(self.parent_path().string());
  const std::string path = text_of("STREAM_STAGE_PATH");
  for (const std::string& folder : split(path, ':')) {
    if (!folder.empty()) folders.push_back(folder);
  }
  return folders;
}

std::string cache_folder() {
  if (const std::string home = text_of("STREAM_HOME"); !home.empty()) return home + "/cache";
  if (const std::string cache = text_of("XDG_CACHE_HOME"); !cache.empty()) return cache + "/stream";
  const std::string home = text_of("HOME");
  return home.empty() ? "" : home + "/.cache/stream";
}

FolderCatalogue::FolderCatalogue(std::vector<std::string> folders, std::string cache, Files& files)
    : folders_(std::move(folders)), cache_(std::move(cache)), files_(files) {}

std::optional<std::string> FolderCatalogue::executable_of(std::string_view name) const {
  if (!valid_name(name)) return std::nullopt;
  for (const std::string& folder : folders_) {
    std::string path = folder + "/" + std::string(kPrefix) + std::string(name);
    if (is_executable(path)) return path;
  }
  return std::nullopt;
}

Result<std::string> FolderCatalogue::describe(const std::string& executable) {
  const std::string identity = identity_of(executable);
  const std::string path = cache_ + "/describe-" + hex(hash_key(executable));
  if (!cache_.empty()) {
    const auto cached = files_.read_file(path);
    if (cached.ok() && cached->starts_with(identity + "\n")) return cached->substr(identity.size() + 1);
  }
  STREAM_ASSIGN(std::string text, ask_child(executable, {"--describe"}, ""));
  if (!cache_.empty() && files_.make_dir(cache_).ok()) {
    const std::string scratch = path + "." + std::to_string(::getpid());
    if (!files_.write_file(scratch, identity + "\n" + text).ok() || !files_.rename(scratch, path).ok()) {
      (void)files_.remove(scratch);
    }
  }
  return text;
}

Result<const StageInfo*> FolderCatalogue::find(std::string_view name) {
  if (const auto it = found_.find(name); it != found_.end()) return it->second.get();
  const auto executable = executable_of(name);
  if (!executable) return nullptr;
  STREAM_ASSIGN(const std::string text, describe(*executable));
  auto info = stage_info_from_json(text);
  if (!info.ok()) return failed("'" + *executable + " --describe': " + info.status().what());
  if (info->name != name) return failed("'" + *executable + "' calls itself '" + info->name + "'");
  info->executable = *executable;
  return (found_[std::string(name)] = std::make_unique<StageInfo>(*std::move(info))).get();
}

std::vector<std::string> FolderCatalogue::names() {
  std::vector<std::string> names;
  for (const std::string& folder : folders_) {
    const auto listed = files_.list(folder);
    if (!listed.ok()) continue;
    for (const std::string& file : *listed) {
      if (file.starts_with(kPrefix) && executable_of(file.substr(kPrefix.size())))
        names.push_back(file.substr(kPrefix.size()));
    }
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<StageAnswer> ProcessAsker::ask(const StageInfo& info, const StageQuestion& question) {
  STREAM_ASSIGN(const std::string text, ask_child(info.executable, {"--plan"}, question_to_json(question)));
  return answer_from_json(text);
}

}  // namespace stream
