#include "supervisor/http/live_changes.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/child.h"
#include "supervisor/job_client.h"
#include "supervisor/stage_folders.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr Microseconds kStartPatience = 600'000'000;  // state may be large

Json wish(const char* verb, const std::string& to) {
  Json request = {{"verb", verb}};
  if (!to.empty()) request["to"] = to;
  return request;
}

// Stages are beside the verb, not beside this program.
std::vector<std::string> folders_of(const std::string& program) {
  std::vector<std::string> folders = stage_folders();
  folders.front() = std::filesystem::path(program).parent_path().string();
  return folders;
}

// The verb read a line more than was sent.
std::string with_own_lines(const std::string& text) {
  constexpr std::string_view kPlace = "standard input:";
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    const std::size_t colon = line.find(':', kPlace.size());
    const auto number = line.starts_with(kPlace) && colon != std::string::npos
                            ? parse_integer(line.substr(kPlace.size(), colon - kPlace.size()))
                            : Result<std::int64_t>(std::int64_t{0});
    const bool placed = number.ok() && *number > 1;
    out += (out.empty() ? "" : "\n") + (placed ? "manifest:" + std::to_string(*number - 1) + line.substr(colon) : line);
  }
  return out;
}

}  // namespace

Status LiveChanges::check_place(const std::string& path) {
  if (!path.starts_with('/')) return usage_error("'" + path + "' is no absolute path");
  if (is_inside(path, permissions_.roots)) return {};
  return usage_error("'" + path +
                     "' is not inside a folder that this server was given with --root; leave it out, and "
                     "the savepoint is made in the job's own");
}

Result<std::string> LiveChanges::savepoint(const std::string& job, const std::string& to) {
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), wish("savepoint", to), kNoLimit));
  return answer.value("path", "");
}

Result<std::string> LiveChanges::stop(const std::string& job, const std::string& to, bool drain) {
  Json request = wish("stop", to);
  request["drain"] = drain;
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), request, kNoLimit));
  STREAM_TRY(wait_until_over(job_paths(job)));
  const std::string state = answer.value("state", "");
  std::string path = answer.value("path", "");
  if (state == "STOPPED" && !path.empty()) return path;
  return failed("job '" + job + "' is " + state + ", without a savepoint: " + answer.value("reason", ""));
}

Result<std::uint64_t> LiveChanges::checkpoint(const std::string& job) {
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), {{"verb", "checkpoint"}}, kNoLimit));
  return answer.value("epoch", std::uint64_t{0});
}

Status LiveChanges::cancel(const std::string& job) { return cancel_job(job_paths(job)); }

Status LiveChanges::rescale(const std::string& job, const std::map<std::string, std::uint32_t>& parallelism) {
  Json request = {{"verb", "rescale"}, {"stages", Json::array()}};
  for (const auto& [stage, number] : parallelism)
    request["stages"].push_back({{"stage", stage}, {"parallelism", number}});
  return ask_job(job_paths(job), request, kNoLimit).status();
}

Status LiveChanges::dispose(const std::string& path) {
  return ask_child(program_, {"savepoint", "--delete", path}, "", kStartPatience).status();
}

Status LiveChanges::resume(const std::string& job) {
  return ask_child(program_, {"resume", job}, "", kStartPatience).status();
}

// A remark in front, so that the verb takes it for a manifest whatever it begins with: it was looked at as one.
Status LiveChanges::run(const std::vector<std::string>& args, const std::string& manifest) const {
  STREAM_ASSIGN(const Finished done, run_child(program_, args, "#\n" + manifest, kStartPatience));
  if (done.signal == 0 && done.exit_code == 0) return {};
  const std::string why = with_own_lines(done.err);
  return done.exit_code == 100 || args[0] == "check" ? usage_error(why) : failed(why);
}

Result<std::vector<std::string>> LiveChanges::submit(const std::string& manifest) {
  if (!room_.try_acquire_for(std::chrono::seconds(5)))
    return Status(Code::kInterrupted, "other manifests are being started; try again in a moment");
  FolderCatalogue catalogue(folders_of(program_), cache_folder(), system_files());
  auto names = check_submission(manifest, permissions_, catalogue, system_files());
  const Status ran = names.ok() ? run({"run", "-d", "-"}, manifest) : Status();
  room_.release();
  if (!ran.ok()) return ran;
  return names;
}

Status LiveChanges::validate(const std::string& manifest) {
  if (!room_.try_acquire_for(std::chrono::seconds(5)))
    return {Code::kInterrupted, "other manifests are being looked at; try again in a moment"};
  FolderCatalogue catalogue(folders_of(program_), cache_folder(), system_files());
  const auto names = check_submission(manifest, permissions_, catalogue, system_files());
  Status status = names.ok() ? run({"check", "-"}, manifest) : names.status();
  room_.release();
  return status;
}

}  // namespace stream::http
