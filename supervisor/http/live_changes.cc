#include "supervisor/http/live_changes.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/child.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr Microseconds kStartPatience = 600'000'000;  // state may be large

Json wish(const char* verb, const std::string& to) {
  Json request = {{"verb", verb}};
  if (!to.empty()) request["to"] = to;
  return request;
}

}  // namespace

bool is_inside(const std::string& path, const std::vector<std::string>& folders) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (error || !real.is_absolute()) return false;
  return std::ranges::any_of(folders, [&](const std::string& folder) {
    const std::filesystem::path root = std::filesystem::weakly_canonical(folder, error);
    const auto [end, at] = std::ranges::mismatch(root, real);
    return !error && end == root.end();
  });
}

Status LiveChanges::check_place(const std::string& path) {
  if (!path.starts_with('/')) return usage_error("'" + path + "' is no absolute path");
  if (is_inside(path, roots_)) return {};
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

}  // namespace stream::http
