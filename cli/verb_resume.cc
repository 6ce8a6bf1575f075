#include <cstdio>

#include "cli/command.h"
#include "cli/run_job.h"
#include "cli/run_options.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "supervisor/targets.h"

namespace stream {
namespace {

// Plan and manifest of a stopped, failed or dead job, as it was run.
Status load_stored(const JobPaths& job, RunRequest& request) {
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(const auto record, store->load());
  if (!record) return failed("job '" + job.job + "' has never run");
  if (record->state == JobState::kFinished || record->state == JobState::kCancelled) {
    return failed("job '" + job.job + "' is " + std::string(to_string(record->state)) +
                  "; 'stream run' starts it anew");
  }
  STREAM_ASSIGN(request.plan, plan_from_json(record->plan));
  request.manifest = record->manifest;
  return {};
}

// Starts a stopped, failed or dead job again from what it left.
int resume(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("resume", job.status());
  RunRequest request = request_of(values);
  if (const Status loaded = load_stored(*job, request); !loaded.ok()) return fail("resume", loaded);
  Problems problems;
  check_targets(request.plan, problems);
  if (!problems.empty()) {
    std::fprintf(stderr, "%s\n", problems.text().c_str());
    return kUsageExit;
  }
  return values.flag("foreground") ? run_foreground("resume", std::move(request))
                                   : run_detached("resume", std::move(request));
}

constexpr VerbOption kResumeOptions[] = {
    job_argument(ValueKind::kIdleJob),
    {.name = "foreground", .doc = "Stay in the foreground.", .kind = ValueKind::kFlag},
    kAcceptDrained,
    kAcceptDuplicates,
};

constexpr VerbExample kResumeExamples[] = {
    {"stream resume web-errors", "Goes on with a job after 'stream stop', a failure or a crash."},
};

}  // namespace

const VerbTable kResumeVerb = {
    .description =
        "Starts a job that has stopped, failed or crashed again from its newest checkpoint or savepoint, in the "
        "background, with the plan it had: no manifest is read and no data sampled. Returns when it is RUNNING.",
    .options = kResumeOptions,
    .examples = kResumeExamples,
    .no = "The job runs, has never run, has finished or was cancelled, or has failed again.",
    .run = resume,
};

}  // namespace stream
