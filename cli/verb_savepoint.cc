// The verbs that cut the stream: savepoint, checkpoint; and wait.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/savepoint_refs.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/savepoint.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

int list_savepoints(const std::string& name, bool as_json) {
  const auto job = find_job(name);
  if (!job.ok()) return fail("savepoint", job.status());
  const auto list = list_of_job(*job, "savepoints");
  if (!list.ok()) return fail("savepoint", list.status());
  Table table({">EPOCH", "CREATED", "LABEL", "PATH"});
  for (const json& s : *list) {
    if (as_json) std::printf("%s\n", s.dump().c_str());
    table.add({std::to_string(s["epoch"].get<std::uint64_t>()), local_time(s["created_us"].get<Microseconds>()),
               s["label"].get<std::string>(), s["path"].get<std::string>()});
  }
  if (!as_json) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

// The job it was made of, if there still is one, lists it no longer.
Status forget_savepoint(const JobPaths& job, const std::string& path) {
  if (JobLock::runs(job)) return ask_job(job, {{"verb", "forget-savepoint"}, {"path", path}}, kQuickAnswer).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  return store->forget_savepoint(path);
}

Status remove_savepoint(const std::string& reference) {
  STREAM_ASSIGN(const std::string path, resolve_savepoint(reference));
  STREAM_ASSIGN(const CheckpointIndex index, delete_savepoint(system_files(), path));
  const std::vector<std::string> jobs = list_jobs();
  if (std::ranges::find(jobs, index.job) == jobs.end()) return {};
  return forget_savepoint(job_paths(index.job), path);
}

int make_savepoint(const VerbValues& values) {
  if (const Status label = check_label(values.text("label")); !label.ok()) return fail("savepoint", label);
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("savepoint", job.status());
  json request = {{"verb", "savepoint"}, {"label", values.text("label")}, {"single_file", values.flag("single-file")}};
  if (values.has("to")) request["to"] = std::filesystem::absolute(values.text("to")).lexically_normal().string();
  const auto answer = ask_job(*job, request, kNoLimit);
  if (!answer.ok()) return fail("savepoint", answer.status());
  if (values.flag("json"))
    std::printf("%s\n", json{{"path", (*answer)["path"]}, {"epoch", (*answer)["epoch"]}}.dump().c_str());
  else
    std::printf("%s\n", answer->value("path", "").c_str());
  return kDone;
}

int run_savepoint(const VerbValues& values) {
  if (values.has("delete")) {
    const Status removed = remove_savepoint(values.text("delete"));
    return removed.ok() ? kDone : fail("savepoint", removed);
  }
  if (values.flag("list")) return list_savepoints(values.text("job"), values.flag("json"));
  return make_savepoint(values);
}

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

constexpr VerbOption kSavepointOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "to",
     .arg = "PATH",
     .doc = "Folder, or file with --single-file, to make; not set: in the job's savepoints folder.",
     .kind = ValueKind::kPath},
    {.name = "label", .arg = "NAME", .doc = "A name to find it by, JOB@NAME; of one savepoint of the job."},
    {.name = "single-file", .doc = "One SQLite file instead of a folder.", .kind = ValueKind::kFlag},
    {.name = "list",
     .doc = "List the savepoints of the job, running or not.",
     .kind = ValueKind::kFlag,
     .excludes = "delete"},
    {.name = "delete",
     .arg = "REF",
     .doc = "Delete a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.",
     .kind = ValueKind::kReference},
    json_option("Print JSON: path and checkpoint; of a list a line a savepoint."),
};

constexpr VerbExample kSavepointExamples[] = {
    {"stream savepoint web-errors --label before-upgrade", "Makes one that is found as web-errors@before-upgrade."},
    {"sqlite3 \"$(stream savepoint counts --single-file)\" 'select * from totals order by n desc limit 5'",
     "Looks into the state of a running job."},
    {"stream savepoint --delete web-errors@before-upgrade", "Deletes it."},
};

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

const VerbTable kSavepointVerb = {
    .description =
        "Takes a checkpoint of a running job, makes a savepoint of it, and prints its path. A savepoint is a folder of "
        "SQLite files, or one file, that holds every state table as plain rows; it needs nothing else and stays until "
        "it "
        "is deleted. 'stream run --from' starts from it, at any parallelism.",
    .options = kSavepointOptions,
    .examples = kSavepointExamples,
    .no = "The job does not run, the checkpoint was aborted, or the path exists.",
    .run = run_savepoint,
};

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
