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
#include "supervisor/job_client.h"
#include "supervisor/savepoint_schedule.h"

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
  return dry_run ? Status() : execute(system_files(), job.checkpoints(), plan);
}

// What is left of savepoints that were being made or deleted.
Status collect_leftovers(const JobPaths& job, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const auto left, savepoint_leftovers(system_files(), job.savepoints()));
  for (const std::string& path : left) print(job.job, path, as_json);
  return dry_run ? Status() : remove_savepoint_leftovers(system_files(), job.savepoints());
}

// Savepoints that the rules of the job let go.
Status collect_expired(const JobPaths& job, JobStore& store, bool dry_run, bool as_json) {
  STREAM_ASSIGN(const auto savepoints, store.savepoints());
  STREAM_ASSIGN(const SavepointSchedule rules, store.savepoint_schedule());
  STREAM_ASSIGN(const auto record, store.load());
  const std::string needed = record ? record->savepoint : "";
  for (const std::string& path :
       expired_savepoints(savepoints, rules, job.savepoints(), needed, system_clock().wall_us())) {
    print(job.job, path, as_json);
    if (dry_run) continue;
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored))
      STREAM_TRY(delete_any_savepoint(system_files(), path, unpacked_root()).status());
    STREAM_TRY(store.forget_savepoint(path));
  }
  return {};
}

// Of a job that runs, its supervisor deletes, and says nothing; what it may be using is not for others to list.
Status collect(const JobPaths& job, bool dry_run, bool as_json) {
  if (JobLock::runs(job)) {
    if (!dry_run) return ask_job(job, {{"verb", "gc"}}, kQuickAnswer).status();
    return collect_checkpoints(job, true, as_json);
  }
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_TRY(collect_checkpoints(job, dry_run, as_json));
  STREAM_TRY(collect_leftovers(job, dry_run, as_json));
  return collect_expired(job, *store, dry_run, as_json);
}

Status collect_unpacked(bool dry_run, bool as_json) {
  for (const std::string& path : abandoned_scratch(unpacked_root())) print("", path, as_json);
  return dry_run ? Status() : remove_abandoned_scratch(unpacked_root());
}

int run(const VerbValues& values) {
  std::vector<std::string> jobs = list_jobs();
  if (const std::string& name = values.text("job"); !name.empty()) {
    const auto job = find_job(name);
    if (!job.ok()) return fail("gc", job.status());
    jobs = {job->job};
  }
  for (const std::string& job : jobs) {
    const Status status = collect(job_paths(job), values.flag("dry-run"), values.flag("json"));
    if (!status.ok()) return fail("gc", status);
  }
  if (!values.text("job").empty()) return kDone;
  const Status unpacked = collect_unpacked(values.flag("dry-run"), values.flag("json"));
  return unpacked.ok() ? kDone : fail("gc", unpacked);
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the job; without one every job.",
     .kind = ValueKind::kJob,
     .positional = true},
    {.name = "dry-run", .letter = 'n', .doc = "Only print what would be deleted.", .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a file."),
};

constexpr VerbExample kExamples[] = {
    {"stream gc --dry-run", "Lists what is left over of all jobs."},
    {"stream gc web-errors", "Deletes what is left over of one job."},
};

}  // namespace

const VerbTable kGcVerb = {
    .description =
        "Deletes what crashes may have left behind, and prints the paths: files that no checkpoint names, savepoints "
        "that "
        "were not finished or were being deleted, archives that were unpacked to be read, and savepoints that the "
        "rules "
        "of 'stream savepoint --every' let go. What somebody uses is left alone, and so is every savepoint that is "
        "whole. "
        "A job that runs does that by itself after each checkpoint and savepoint; asked for, its supervisor does it at "
        "once and prints nothing.",
    .options = kOptions,
    .examples = kExamples,
    .no = "A job could not be locked, or its files not be deleted.",
    .run = run,
};

}  // namespace stream
