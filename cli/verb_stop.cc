// The verbs that end a job: stop, cancel.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"

namespace stream {
namespace {

using nlohmann::json;

int say_cancelled(const JobPaths& job, bool kept) {
  std::fprintf(stderr, "%s: cancelled; %s\n", job.job.c_str(),
               kept ? "the next run starts anew" : "nothing is left of it");
  return kDone;
}

// Where there is no path to print.
void say_stopped(const JobPaths& job, const std::string& reason, bool drained) {
  std::fprintf(stderr, "%s: stopped: %s; 'stream resume %s%s' goes on\n", job.job.c_str(), reason.c_str(),
               drained ? "--accept-drained " : "", job.job.c_str());
}

// It has stopped, but what was asked for could not be made.
Status not_saved(const JobPaths& job, const std::string& reason) {
  return failed("job '" + job.job + "' has stopped without a savepoint: " + reason + "; 'stream resume " + job.job +
                "' goes on");
}

// What is missing is in its checkpoint, or has not been read.
Status not_drained(const JobPaths& job, const std::string& reason) {
  return failed("job '" + job.job + "' has stopped and not all of its windows have fired: " + reason +
                "; 'stream resume " + job.job + "' goes on");
}

void print(const std::string& path, const std::string& state, bool as_json) {
  if (as_json)
    std::printf("%s\n", json{{"path", path}, {"state", state}}.dump().c_str());
  else if (!path.empty())
    std::printf("%s\n", path.c_str());
}

int run_stop(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("stop", job.status());
  json request = {{"verb", "stop"}, {"drain", values.flag("drain")}, {"no_savepoint", values.flag("no-savepoint")}};
  if (values.has("to")) request["to"] = std::filesystem::absolute(values.text("to")).lexically_normal().string();
  const auto answer = ask_job(*job, request, kNoLimit);
  if (!answer.ok()) return fail("stop", answer.status());
  if (const Status over = wait_until_over(*job); !over.ok()) return fail("stop", over);
  const std::string state = answer->value("state", "");
  print(answer->value("path", ""), state, values.flag("json"));
  const std::string reason = answer->value("reason", "");
  const bool made = values.flag("no-savepoint") || !answer->value("path", "").empty();
  if (state == "STOPPED" && values.flag("drain") && !answer->value("drained", false))
    return fail("stop", not_drained(*job, reason));
  if (state == "STOPPED" && !made) return fail("stop", not_saved(*job, reason));
  if (state == "STOPPED" && values.flag("no-savepoint") && !values.flag("json"))
    say_stopped(*job, reason, values.flag("drain"));
  if (state == "STOPPED") return kDone;
  return fail("stop", failed("job '" + job->job + "' is " + state + ": " + reason));
}

int run_cancel(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("cancel", job.status());
  const Status cancelled = cancel_job(*job);
  return cancelled.ok() ? say_cancelled(*job, std::filesystem::exists(job->folder)) : fail("cancel", cancelled);
}

constexpr VerbOption kStopOptions[] = {
    job_argument(ValueKind::kRunningJob),
    {.name = "drain", .doc = "Fire all windows first, as if the input had ended.", .kind = ValueKind::kFlag},
    {.name = "no-savepoint", .doc = "Stop with a final checkpoint only.", .kind = ValueKind::kFlag, .excludes = "to"},
    {.name = "to",
     .arg = "PATH",
     .doc = "Where the savepoint goes; not set: the job's savepoints folder.",
     .kind = ValueKind::kPath},
    json_option("Print JSON: the path of the savepoint and the state of the job."),
};

constexpr VerbExample kStopExamples[] = {
    {"savepoint=$(stream stop web-errors)", "Stops a job and keeps the path of its savepoint."},
    {"stream stop --no-savepoint web-errors && stream resume web-errors", "Starts every process of a job anew."},
    {"stream stop --drain daily", "Ends a job for good, with the results of windows that are still open."},
};

constexpr VerbOption kCancelOptions[] = {job_argument(ValueKind::kJob)};

constexpr VerbExample kCancelExamples[] = {
    {"stream cancel web-errors", "Ends a job; the next run starts anew."},
};

}  // namespace

const VerbTable kStopVerb = {
    .description =
        "Takes a last checkpoint, makes a savepoint of it, ends the job, and prints the path of the savepoint. Nothing "
        "is lost and nothing is done twice: 'stream resume' or 'stream run' goes on where it stopped.\n\n"
        "With --drain sources end first, so that every window fires and its results are written. Going on from there "
        "would fire them again, so it must be allowed with --accept-drained. If the job is killed before all is "
        "written, 'stream resume' writes it, reads nothing more, makes the savepoint, and stops it again.\n\n"
        "A sink whose server has been away for 3 s is not waited for: the job stops without a savepoint, and the verb "
        "says so and exits with 1. Nothing is lost; resumed, the job writes what is missing. So it is where the last "
        "checkpoint is aborted again and again for 3 s, as on a full disk; resumed, the job goes on from the one "
        "before.",
    .options = kStopOptions,
    .examples = kStopExamples,
    .no = "The job does not run, has ended otherwise, or has stopped without the savepoint or before it was drained.",
    .run = run_stop,
};

const VerbTable kCancelVerb = {
    .description =
        "Ends a job at once. What was not committed by a checkpoint is dropped, its checkpoints are not gone "
        "on from, and the next run starts anew. Savepoints stay.\n\n"
        "A job that does not run is marked as cancelled.",
    .options = kCancelOptions,
    .examples = kCancelExamples,
    .no = "The job has never run, or has ended otherwise.",
    .run = run_cancel,
};

}  // namespace stream
