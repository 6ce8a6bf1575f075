#include "supervisor/kubernetes/controller/renderer.h"

#include <cstdlib>
#include <filesystem>

#include "supervisor/child.h"
#include "supervisor/kubernetes/objects.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::kubernetes {
namespace {

constexpr Microseconds kPlanMost = 60'000'000;
constexpr Microseconds kWrongFor = 60'000'000;
constexpr std::size_t kKnownMost = 256;
constexpr std::size_t kWrongMost = 4000;
constexpr char kPrefix[] = "stream deploy: fatal: ";

// Without the name of the verb, which nobody has called; files are where they will be.
std::string told_wrong(const Finished& finished, const std::string& folder) {
  if (finished.signal != 0) return "planning it was ended by signal " + std::to_string(finished.signal);
  std::string text(trim(finished.err));
  if (text.starts_with(kPrefix)) text.erase(0, sizeof kPrefix - 1);
  for (std::size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) text.replace(at, folder.size(), kData);
  return text.empty() ? "it cannot be planned" : text.substr(0, kWrongMost);
}

std::string key_of(const Told& told) { return nlohmann::json{told.args, told.files}.dump(); }

}  // namespace

Result<Renderer::Made> Renderer::made(const Told& told) {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (!std::filesystem::create_directories(folder_, error)) return system_error("make", folder_, error.value());
  for (const auto& [name, text] : told.files) STREAM_TRY(system_files().write_file(folder_ + "/" + name, text));
  // What is in the environment of this process is not for manifests.
  const char* path = std::getenv("PATH");
  std::vector<std::string> args = {"-i",
                                   "-C",
                                   folder_,
                                   "PATH=" + std::string(path == nullptr ? "/usr/bin:/bin" : path),
                                   "TZ=UTC",
                                   "HOME=" + folder_,
                                   "STREAM_HOME=" + folder_ + "/jobs",
                                   program_};
  args.insert(args.end(), told.args.begin(), told.args.end());
  STREAM_ASSIGN(Finished finished, run_child("/usr/bin/env", args, "", kPlanMost));
  if (finished.signal == 0 && finished.exit_code == 0) return Made{std::move(finished.out), "", 0};
  return Made{"", told_wrong(finished, folder_), system_clock().monotonic_us()};
}

Result<std::vector<nlohmann::json>> Renderer::objects(const Kept& kept, const Owner& owner, const std::string& tokens) {
  const Told told = deploy_told(kept, owner, tokens);
  const std::string key = key_of(told);
  auto known = known_.find(key);
  const bool stale = known != known_.end() && !known->second.wrong.empty() &&
                     system_clock().monotonic_us() - known->second.at > kWrongFor;
  if (known == known_.end() || stale) {
    STREAM_ASSIGN(Made fresh, made(told));
    if (known_.size() >= kKnownMost) known_.clear();
    known = known_.insert_or_assign(key, std::move(fresh)).first;
  }
  if (!known->second.wrong.empty()) return failed(known->second.wrong);
  return objects_of(known->second.lines, kept, owner);
}

}  // namespace stream::kubernetes
