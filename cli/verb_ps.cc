// The verbs that show jobs: ps, show, events.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string number(const json& object, const char* key) { return std::to_string(object.value(key, std::uint64_t{0})); }

std::string age(Microseconds since) {
  if (since == 0) return "-";
  return format_duration((system_clock().wall_us() - since) / 1'000'000 * 1'000'000);
}

Result<json> events_of(const JobPaths& job) {
  auto answer = ask_job(job, {{"verb", "events"}}, kQuickAnswer);
  if (answer.ok()) return (*answer)["events"];
  if (answer.status().code() != Code::kPeerGone) return std::move(answer).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(const auto events, store->events(1000));
  json list = json::array();
  for (const EventRecord& e : events) list.push_back({{"at_us", e.at_us}, {"kind", e.kind}, {"text", e.text}});
  return list;
}

}  // namespace

int verb_ps(std::span<const std::string> args) {
  bool all = false;
  bool as_json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_flag("-a,--all", all, "also jobs that do not run");
    app.add_flag("--json", as_json, "print JSON, a line a job");
  };
  return run_verb("ps", args, declare, [&] {
    Table table({"JOB", "ID", "STATE", ">ATTEMPT", ">CHECKPOINT", ">AGE"});
    for (const std::string& name : list_jobs()) {
      const JobPaths job = job_paths(name);
      if (!all && !JobLock::runs(job)) continue;
      const auto summary = job_summary(job);
      if (!summary.ok()) continue;  // it ended, or is starting, at this very moment
      if (as_json) std::printf("%s\n", summary->dump().c_str());
      table.add({name, summary->value("id", "").substr(0, 8), summary->value("state", ""), number(*summary, "attempt"),
                 number(*summary, "checkpoint"), age(summary->value("started_us", Microseconds{0}))});
    }
    if (!as_json) std::fputs(table.text().c_str(), stdout);
    return kDone;
  });
}

int verb_show(std::span<const std::string> args) {
  std::string name;
  bool as_json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--json", as_json, "print JSON");
  };
  return run_verb("show", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("show", job.status());
    const auto summary = job_summary(*job);
    if (!summary.ok()) return fail("show", summary.status());
    if (as_json) {
      std::printf("%s\n", summary->dump().c_str());
      return kDone;
    }
    std::printf(
        "job         %s\nid          %s\nstate       %s\nrun         %s\nattempt     %s\ncheckpoint  "
        "%s\nsubmitted   %s\nfolder      %s\n",
        job->job.c_str(), summary->value("id", "").c_str(), summary->value("state", "").c_str(),
        summary->value("run", "").c_str(), number(*summary, "attempt").c_str(), number(*summary, "checkpoint").c_str(),
        local_time(summary->value("submitted_us", Microseconds{0})).c_str(), job->folder.c_str());
    const std::string reason = summary->value("reason", "");
    if (!reason.empty()) std::printf("reason      %s\n", reason.c_str());
    return kDone;
  });
}

int verb_events(std::span<const std::string> args) {
  std::string name;
  bool as_json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--json", as_json, "print JSON, a line an event");
  };
  return run_verb("events", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("events", job.status());
    const auto events = events_of(*job);
    if (!events.ok()) return fail("events", events.status());
    for (const json& e : *events) {
      if (as_json)
        std::printf("%s\n", e.dump().c_str());
      else
        std::printf("%s  %-20s %s\n", local_time(e["at_us"].get<Microseconds>()).c_str(),
                    e["kind"].get<std::string>().c_str(), e["text"].get<std::string>().c_str());
    }
    return kDone;
  });
}

}  // namespace stream
