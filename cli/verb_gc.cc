#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/retention.h"

namespace stream {
namespace {

void print(const JobPaths& job, const std::string& file, bool as_json) {
  const std::string path = job.checkpoints() + "/" + file;
  std::printf("%s\n", as_json ? nlohmann::ordered_json{{"job", job.job}, {"path", path}}.dump().c_str() : path.c_str());
}

// Of a job that runs, its supervisor deletes, and says nothing.
Status collect(const JobPaths& job, bool dry_run, bool as_json) {
  if (JobLock::runs(job) && !dry_run) return ask_job(job, {{"verb", "gc"}}, kQuickAnswer).status();
  std::optional<JobLock> lock;
  if (!dry_run) {
    STREAM_ASSIGN(JobLock taken, JobLock::visit(job));
    lock.emplace(std::move(taken));
  }
  STREAM_ASSIGN(const Inventory inventory, take_inventory(system_files(), job.checkpoints()));
  const RetentionPlan plan = plan_gc(inventory);
  for (const std::string& file : plan.files) print(job, file, as_json);
  return dry_run ? Status() : execute(system_files(), job.checkpoints(), plan);
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
  return kDone;
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
        "Deletes files below the checkpoints folder that no checkpoint names, as a crash may leave them behind, and "
        "prints their paths. A job that runs does that after each checkpoint; asked for, its supervisor does it at "
        "once "
        "and prints nothing.",
    .options = kOptions,
    .examples = kExamples,
    .no = "A job could not be locked, or its files not be deleted.",
    .run = run,
};

}  // namespace stream
