// The verbs that wait for a cut: checkpoint, wait.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string milliseconds(Microseconds us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(us) / 1000);
  return text;
}

int list_checkpoints(const JobPaths& job, bool as_json) {
  const auto list = list_of_job(job, "checkpoints");
  if (!list.ok()) return fail("checkpoint", list.status());
  Table table({">EPOCH", "STATUS", "TRIGGERED", ">DURATION", ">SIZE"});
  for (const json& c : *list) {
    if (as_json) std::printf("%s\n", c.dump().c_str());
    table.add({std::to_string(c["epoch"].get<std::uint64_t>()), c["status"].get<std::string>(),
               local_time(c["triggered_us"].get<Microseconds>()), milliseconds(c["duration_us"].get<Microseconds>()),
               format_size(c["bytes"].get<std::uint64_t>())});
  }
  if (!as_json) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

int run_checkpoint(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("checkpoint", job.status());
  if (values.flag("list")) return list_checkpoints(*job, values.flag("json"));
  const auto answer = ask_job(*job, {{"verb", "checkpoint"}}, kNoLimit);
  if (!answer.ok()) return fail("checkpoint", answer.status());
  const auto epoch = (*answer)["epoch"].get<std::uint64_t>();
  if (values.flag("json"))
    std::printf("%s\n", json{{"epoch", epoch}}.dump().c_str());
  else
    std::printf("%llu\n", static_cast<unsigned long long>(epoch));
  return kDone;
}

// What a job did not do within the time given.
std::string missed(const std::string& what) {
  if (what == "running") return "is not running";
  return what == "checkpoint" ? "has no new checkpoint" : "has not finished";
}

// The job does not run, or has ended while it was waited for.
int over(const JobPaths& job, const std::string& what) {
  const auto summary = stored_summary(job);
  if (!summary.ok()) return fail("wait", summary.status());
  const std::string state = summary->value("state", "");
  if (what == "finished" && state == "FINISHED") return kDone;
  return fail("wait", failed("job '" + job.job + "' is " + state + ": " + summary->value("reason", "")));
}

int run_wait(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("wait", job.status());
  const std::string& what = values.text("for");
  const Microseconds limit = values.has("timeout") ? values.duration("timeout") : kNoLimit;
  const auto answer = ask_job(*job, {{"verb", "wait"}, {"for", what}}, limit);
  if (answer.ok() && what != "finished") return kDone;
  if (answer.ok()) return answer->value("state", "") == "FINISHED" ? kDone : kNo;
  if (answer.status().code() == Code::kInterrupted) {
    return fail("wait", failed("job '" + job->job + "' " + missed(what) + " after " + values.text("timeout")));
  }
  return answer.status().code() == Code::kPeerGone ? over(*job, what) : fail("wait", answer.status());
}

constexpr VerbOption kCheckpointOptions[] = {
    job_argument(ValueKind::kRunningJob),
    {.name = "list",
     .doc = "List the newest 100 checkpoints instead, running or not, the newest first.",
     .kind = ValueKind::kFlag},
    json_option("Print JSON; of a list a line a checkpoint, with the times of each process."),
};

constexpr VerbExample kCheckpointExamples[] = {
    {"stream checkpoint web-errors", "Makes what has been read so far durable and visible."},
    {"stream checkpoint --list web-errors", "Shows how long the last ones took."},
};

constexpr VerbOption kWaitOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "for",
     .arg = "EVENT",
     .doc = "What to wait for.",
     .kind = ValueKind::kChoice,
     .fallback = "finished",
     .choices = "running|checkpoint|finished"},
    {.name = "timeout",
     .arg = "DURATION",
     .doc = "Give up after this long; not set: never.",
     .kind = ValueKind::kDuration},
};

constexpr VerbExample kWaitExamples[] = {
    {"stream run -d daily.yaml && stream wait daily --timeout 1h", "Waits for the end of a job, an hour at most."},
    {"stream wait web-errors --for checkpoint && sqlite3 errors.db 'select count(*) from errors'",
     "Looks at a result when new rows have become visible."},
};

}  // namespace

const VerbTable kCheckpointVerb = {
    .description =
        "Takes a checkpoint of a running job, waits until it is complete and its rows are visible, and prints "
        "its number.",
    .options = kCheckpointOptions,
    .examples = kCheckpointExamples,
    .no = "The job does not run, or the checkpoint was aborted.",
    .run = run_checkpoint,
};

const VerbTable kWaitVerb = {
    .description =
        "Waits until a job runs, until its next checkpoint is complete and committed, or until it has "
        "finished, and prints nothing. For scripts.",
    .options = kWaitOptions,
    .examples = kWaitExamples,
    .no = "The time is over, or the job has ended otherwise.",
    .run = run_wait,
};

}  // namespace stream
