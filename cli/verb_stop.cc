// The verbs that end a job: stop, cancel.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/run_job.h"
#include "cli/verb.h"

namespace stream {
namespace {

using nlohmann::json;

// A job that does not run is cancelled by saying so in its store.
Status cancel_stored(const JobPaths& job) {
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(auto record, store->load());
  if (!record) return failed("job '" + job.job + "' has never run");
  record->state = JobState::kCancelled;
  record->reason = "cancelled";
  STREAM_TRY(store->save(*record));
  // Nobody can go on with it: what it had taken in is of no use, and without a name neither is the rest.
  STREAM_TRY(clear_spool(system_files(), job.spool()));
  const auto plan = plan_from_json(record->plan);
  if (plan.ok() && plan->pipeline.ad_hoc) forget_job(job);
  return {};
}

// A supervisor that ends at once may be gone before its answer has arrived; its store tells.
bool is_cancelled(const JobPaths& job) {
  const auto summary = stored_summary(job);
  return summary.ok() && summary->value("state", "") == to_string(JobState::kCancelled);
}

}  // namespace

int verb_stop(std::span<const std::string> args) {
  std::string name;
  std::string to;
  bool drain = false;
  bool no_savepoint = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--drain", drain, "fire all windows first, as if the input had ended");
    auto* none = app.add_flag("--no-savepoint", no_savepoint, "stop with a final checkpoint only");
    app.add_option("--to", to, "where the savepoint goes; not set: the job's savepoints folder")
        ->type_name("PATH")
        ->excludes(none);
  };
  return run_verb("stop", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("stop", job.status());
    json request = {{"verb", "stop"}, {"drain", drain}, {"no_savepoint", no_savepoint}};
    if (!to.empty()) request["to"] = std::filesystem::absolute(to).lexically_normal().string();
    const auto answer = ask_job(*job, request, kNoLimit);
    if (!answer.ok()) return fail("stop", answer.status());
    if (const Status over = wait_until_over(*job); !over.ok()) return fail("stop", over);
    const std::string path = answer->value("path", "");
    if (!path.empty()) std::printf("%s\n", path.c_str());
    const std::string state = answer->value("state", "");
    if (state == "STOPPED") return kDone;
    return fail("stop", failed("job '" + job->job + "' is " + state + ": " + answer->value("reason", "")));
  });
}

int verb_cancel(std::span<const std::string> args) {
  std::string name;
  const auto declare = [&](CLI::App& app) { app.add_option("JOB", name, "name or unique id prefix of the job"); };
  return run_verb("cancel", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("cancel", job.status());
    if (!JobLock::runs(*job)) {
      const Status cancelled = cancel_stored(*job);
      return cancelled.ok() ? kDone : fail("cancel", cancelled);
    }
    const auto answer = ask_job(*job, {{"verb", "cancel"}}, kNoLimit);
    if (!answer.ok() && !(answer.status().code() == Code::kPeerGone && is_cancelled(*job))) {
      return fail("cancel", answer.status());
    }
    const Status over = wait_until_over(*job);
    return over.ok() ? kDone : fail("cancel", over);
  });
}

}  // namespace stream
