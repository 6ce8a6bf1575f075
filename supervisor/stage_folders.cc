#include "supervisor/stage_folders.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

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

// Changes whenever the program does, or the library that our programs share, which holds this code.
std::string program_identity(const std::string& executable) {
  Dl_info info = {};
  const bool found = ::dladdr(reinterpret_cast<const void*>(&system_files), &info) != 0;
  return identity_of(executable) + " " + (found ? identity_of(info.dli_fname) : std::string());
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
  if (const std::string cache = text_of("XDG_CACHE_HOME"); !cache.empty()) return cache + "/stream";
  const std::string home = text_of("HOME");
  return home.empty() ? "" : home + "/.cache/stream";
}

std::string package_of(std::string_view program) {
  const auto folders = stage_folders();
  if (folders.empty()) return "";
  std::ifstream list(folders.front() + "/../share/stream/packages");
  for (std::string name, package; list >> name >> package;) {
    if (name == program) return package;
  }
  return "";
}

FolderCatalogue::FolderCatalogue(std::vector<std::string> folders, std::string cache, Files& files)
    : folders_(std::move(folders)), cache_(std::move(cache), files), files_(files) {}

std::optional<std::string> FolderCatalogue::executable_of(std::string_view name) const {
  if (!valid_name(name)) return std::nullopt;
  for (const std::string& folder : folders_) {
    std::string path = folder + "/" + std::string(kPrefix) + std::string(name);
    if (is_executable(path)) return path;
  }
  return std::nullopt;
}

Result<std::string> FolderCatalogue::describe(const std::string& executable) {
  const std::string name = describe_name(executable);
  const std::string identity = program_identity(executable);
  if (auto known = cache_.find(name, identity)) return *std::move(known);
  STREAM_ASSIGN(std::string text, ask_child(executable, {"--describe"}, ""));
  cache_.keep(name, identity, text);
  return text;
}

Result<const StageInfo*> FolderCatalogue::find(std::string_view name) {
  if (const auto it = found_.find(name); it != found_.end()) return it->second.get();
  const auto executable = executable_of(name);
  if (!executable) {
    const std::string package = package_of(std::string(kPrefix) + std::string(name));
    if (package.empty()) return nullptr;
    return failed("stage program '" + std::string(name) + "' is not installed; it is in the package '" + package + "'");
  }
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
  const std::string request = question_to_json(question);
  const std::string key = program_identity(info.executable) + "\n" + request;
  const std::string name = plan_name(key);
  if (const auto known = cache_.find(name, key)) return answer_from_json(*known);
  STREAM_ASSIGN(const std::string text, ask_child(info.executable, {"--plan"}, request));
  STREAM_ASSIGN(StageAnswer answer, answer_from_json(text));
  // A sample of standard input is in the question, too large to be worth its room.
  if (answer.cacheable && answer.errors.empty() && !question.sample) cache_.keep(name, key, text);
  return answer;
}

}  // namespace stream
