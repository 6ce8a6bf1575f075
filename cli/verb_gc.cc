#include <cstdio>
#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "snapshot/retention.h"
#include "snapshot/savepoint_partial.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_client.h"
#include "supervisor/savepoint_schedule.h"
#include "supervisor/standby_mark.h"
#include "supervisor/stored_savepoint.h"

namespace stream {
namespace {

void print(const std::string& job, const std::string& path, bool as_json) {
  nlohmann::ordered_json line = {{"job", job}, {"path", path}};
  if (job.empty()) line["job"] = nullptr;
  std::printf("%s\n", as_json ? line.dump().c_str() : path.c_str());
}

// Files that no checkpoint names.
Status collect_checkpoints(const JobPaths& job, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const Inventory inventory, take_inventory(system_files(), job.checkpoints()));
  const RetentionPlan plan = plan_gc(inventory);
  for (const std::string& file : plan.files) print(job.job, job.checkpoints() + "/" + file, as_json);
  if (!dry_run) STREAM_TRY(execute(system_files(), job.checkpoints(), plan));
  STREAM_ASSIGN(const auto storage, storage_of(job));
  if (!storage) return {};
  STREAM_ASSIGN(const auto keys, storage->garbage());
  for (const std::string& key : keys) print(job.job, storage->url_of(key), as_json);
  return dry_run ? Status() : storage->remove(keys);
}

// What is left of savepoints that were being made or deleted.
Status collect_leftovers(const JobPaths& job, JobStore& store, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const SavepointSchedule schedule, store.savepoint_schedule());
  for (const std::string& folder : savepoint_folders_of(schedule.rules, job)) {
    STREAM_ASSIGN(const auto left, savepoint_leftovers(system_files(), folder));
    for (const std::string& path : left) print(job.job, path, as_json);
    if (!dry_run) STREAM_TRY(remove_savepoint_leftovers(system_files(), folder));
  }
  return {};
}

// Savepoints that the rules of the job let go.
Status collect_expired(const JobPaths& job, JobStore& store, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const auto savepoints, store.savepoints());
  STREAM_ASSIGN(const SavepointSchedule schedule, store.savepoint_schedule());
  STREAM_ASSIGN(const auto record, store.load());
  const std::string needed = record ? record->savepoint : "";
  for (const std::string& path : expired_savepoints(
           savepoints, schedule.rules, savepoint_folders_of(schedule.rules, job), needed, system_clock().wall_us())) {
    print(job.job, path, as_json);
    if (dry_run) continue;
    STREAM_TRY(remove_wherever(path));
    STREAM_TRY(store.forget_savepoint(path));
  }
  return {};
}

bool is_over(JobState state) {
  return state == JobState::kFinished || state == JobState::kCancelled || state == JobState::kFailed;
}

// A job that is over for so long goes as a whole, unless a savepoint would go with it. False: it stays.
Result<bool> collect_ended(const JobPaths& job, JobStore& store, Microseconds ended_for, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const auto record, store.load());
  if (!record || !is_over(record->state)) return false;
  const Microseconds since = system_clock().wall_us() - record->ended_us;
  if (since < ended_for) return false;
  std::error_code none;
  const std::filesystem::directory_iterator savepoints(job.savepoints(), none);
  if (!none && savepoints != std::filesystem::directory_iterator()) {
    std::fprintf(stderr, "%s: kept for its savepoints; 'stream savepoint --list %s' lists them, --delete deletes one\n",
                 job.job.c_str(), job.job.c_str());
    return false;
  }
  print(job.job, job.folder, as_json);
  if (!dry_run) remove_job(job);
  return true;
}

// Of a job that runs, its supervisor deletes, and says nothing; what it may be using is not for others to list.
Status collect(const JobPaths& job, std::optional<Microseconds> ended_for, bool dry_run, bool as_json) {
  if (JobLock::runs(job)) {
    if (dry_run) return collect_checkpoints(job, true, as_json);
    Status asked = ask_job(job, {{"verb", "gc"}}, kQuickAnswer).status();
    // One that was about to end does not run any more.
    if (asked.code() != Code::kPeerGone || JobLock::runs(job)) return asked;
  }
  // What others lead is theirs to tidy.
  if (standby_of(job) || !shared_place(job).empty()) return {};
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  if (ended_for) {
    STREAM_ASSIGN(const bool gone, collect_ended(job, *store, *ended_for, dry_run, as_json));
    if (gone) return {};
  }
  STREAM_TRY(collect_checkpoints(job, dry_run, as_json));
  STREAM_TRY(collect_leftovers(job, *store, dry_run, as_json));
  return collect_expired(job, *store, dry_run, as_json);
}

Status collect_unpacked(bool dry_run, bool as_json) {
  for (const std::string& path : abandoned_scratch(unpacked_root())) print("", path, as_json);
  return dry_run ? Status() : remove_abandoned_scratch(unpacked_root());
}

// What was fetched from storage, but for what a job has begun with.
Status collect_fetched(bool dry_run, bool as_json) {
  std::vector<std::string> used;
  for (const std::string& job : list_jobs()) {
    if (standby_of(job_paths(job))) continue;
    STREAM_ASSIGN(const auto attempts, list_of_job(job_paths(job), "attempts"));
    for (const auto& attempt : attempts)
      if (const auto from = attempt.find("restored"); from != attempt.end()) used.push_back((*from)["savepoint"]);
  }
  for (const std::string& path : unused_fetched(used)) {
    print("", path, as_json);
    std::error_code failed_with;
    if (!dry_run) std::filesystem::remove_all(path, failed_with);
    if (failed_with) return system_error("delete", path, failed_with.value());
  }
  return {};
}

int run(const VerbValues& values) {
  std::vector<std::string> jobs = list_jobs();
  if (const std::string& name = values.text("job"); !name.empty()) {
    const auto job = find_job(name);
    if (!job.ok()) return fail("gc", job.status());
    jobs = {job->job};
  }
  std::optional<Microseconds> ended_for;
  if (values.has("ended-for")) ended_for = values.duration("ended-for");
  for (const std::string& job : jobs) {
    const Status status = collect(job_paths(job), ended_for, values.flag("dry-run"), values.flag("json"));
    if (!status.ok()) return fail("gc", status);
  }
  if (!values.text("job").empty()) return kDone;
  Status rest = collect_unpacked(values.flag("dry-run"), values.flag("json"));
  if (rest.ok()) rest = collect_fetched(values.flag("dry-run"), values.flag("json"));
  return rest.ok() ? kDone : fail("gc", rest);
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the job; without one every job.",
     .kind = ValueKind::kJob,
     .positional = true},
    {.name = "ended-for",
     .arg = "DURATION",
     .doc = "Also delete jobs as a whole that finished, failed or were cancelled at least so long ago, with their log "
            "and history: 30d. Those with savepoints in their own folder stay.",
     .kind = ValueKind::kDuration},
    {.name = "dry-run", .letter = 'n', .doc = "Only print what would be deleted.", .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a file."),
};

constexpr VerbExample kExamples[] = {
    {"stream gc --dry-run", "Lists what is left over of all jobs."},
    {"stream gc web-errors", "Deletes what is left over of one job."},
    {"stream gc --ended-for 30d", "Forgets jobs that ended a month ago; once a day, from cron, nothing piles up."},
};

}  // namespace

const VerbTable kGcVerb = {
    .description =
        "Deletes what crashes may have left behind, and prints the paths: files that no checkpoint names, savepoints "
        "that "
        "were not finished or were being deleted, archives that were unpacked to be read, what was fetched from object "
        "storage and no job has begun with, and savepoints that the "
        "rules "
        "of 'stream savepoint --every' let go. What somebody uses is left alone, and so is every savepoint that is "
        "whole. "
        "Everything about a job that has ended stays readable until it is deleted here, with --ended-for. "
        "A job that runs does that by itself after each checkpoint and savepoint; asked for, its supervisor does it at "
        "once and prints nothing.",
    .options = kOptions,
    .examples = kExamples,
    .no = "A job could not be locked, or its files not be deleted.",
    .run = run,
};

}  // namespace stream
