#include <sys/stat.h>

#include <array>
#include <ctime>

#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/hosts.h"
#include "supervisor/http/log_lists.h"
#include "supervisor/http/openapi.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"

namespace stream::http {
namespace {

constexpr std::uint64_t kLogShown = 8U << 20;  // bytes: the newest of a file

// Clients look at it to know what they may ask for; the rest of the text says who answers.
constexpr std::string_view kFlinkVersion = "2.0-stream-" STREAM_VERSION;
constexpr std::string_view kRevision = "stream " STREAM_VERSION;

}  // namespace

Answer get_overview(Call& call) {
  std::map<std::string, int> jobs;
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (!summary.ok()) continue;
    const JobFacts facts = facts_of(**summary, call.site.now_ms);
    ++jobs[facts.over ? facts.status : "RUNNING"];
  }
  const std::vector<HostUse> hosts = hosts_in_use(call);
  std::int64_t slots = 0;
  std::int64_t instances = 0;
  for (const HostUse& host : hosts) {
    slots += host.places();
    instances += host.instances();
  }
  return answer_with({{"taskmanagers", hosts.size()},
                      {"slots-total", slots},
                      {"slots-available", slots - instances},
                      {"jobs-running", jobs["RUNNING"]},
                      {"jobs-finished", jobs["FINISHED"]},
                      {"jobs-cancelled", jobs["CANCELED"]},
                      {"jobs-failed", jobs["FAILED"]},
                      {"flink-version", kFlinkVersion},
                      {"flink-commit", kRevision},
                      {"taskmanagers-blocked", 0},
                      {"slots-free-and-blocked", 0}});
}

Answer get_config(Call& call) {
  const std::time_t now = static_cast<std::time_t>(call.site.now_ms / 1000);
  std::tm local{};
  ::localtime_r(&now, &local);
  return answer_with(
      {{"refresh-interval", 3000},
       {"timezone-name", local.tm_zone == nullptr ? "UTC" : local.tm_zone},
       {"timezone-offset", local.tm_gmtoff * 1000},
       {"flink-version", kFlinkVersion},
       {"flink-revision", kRevision},
       {"features", {{"web-submit", false}, {"web-cancel", true}, {"web-rescale", true}, {"web-history", false}}}});
}

Answer get_openapi(Call&) {
  static const std::string kText = openapi_document(routes()).dump();
  return {.text = kText};
}

Answer get_server_config(Call& call) {
  const std::array<std::pair<const char*, std::string>, 3> all = {
      {{"rest.address", call.site.address}, {"stream.home", stream_home()}, {"stream.version", STREAM_VERSION}}};
  Json out = Json::array();
  for (const auto& [key, value] : all) out.push_back({{"key", key}, {"value", value}});
  return answer_with(out);
}

// Of every job: "JOB.stream.log".
Answer log_list(Call& call, const std::vector<std::string>& jobs) {
  Json logs = Json::array();
  for (const std::string& job : jobs) {
    for (const auto& [name, path] : call.jobs.logs(job)) {
      struct stat info {};
      if (::stat(path.c_str(), &info) != 0) continue;  // rotated away
      logs.push_back({{"name", name}, {"size", info.st_size}, {"mtime", info.st_mtim.tv_sec * 1000}});
    }
  }
  return answer_with({{"logs", std::move(logs)}});
}

// Only what the list has is read, so no name leads anywhere else.
Answer log_file(Call& call, const std::vector<std::string>& jobs) {
  const std::string& wanted = call.path.find("filename")->second;
  for (const std::string& job : jobs) {
    const auto files = call.jobs.logs(job);
    const auto file = files.find(wanted);
    if (file == files.end()) continue;
    STREAM_HTTP_ASSIGN(const std::uint64_t size, system_files().size(file->second));
    const std::uint64_t from = size > kLogShown ? size - kLogShown : 0;
    STREAM_HTTP_ASSIGN(std::string text, system_files().read_at(file->second, from, kLogShown));
    if (from > 0) text.erase(0, text.find('\n') + 1);
    return {.text = std::move(text), .type = "text/plain; charset=UTF-8"};
  }
  return refuse(404, "there is no log '" + wanted + "'; /jobmanager/logs lists all");
}

Answer get_server_logs(Call& call) { return log_list(call, call.jobs.names()); }

Answer get_server_log(Call& call) { return log_file(call, call.jobs.names()); }

}  // namespace stream::http
