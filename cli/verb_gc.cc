#include <CLI/CLI.hpp>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/verb.h"
#include "snapshot/retention.h"

namespace stream {
namespace {

Status collect(const JobPaths& job, bool dry_run) {
  if (JobLock::runs(job) && !dry_run) return ask_job(job, {{"verb", "gc"}}, kQuickAnswer).status();
  std::optional<JobLock> lock;
  if (!dry_run) {
    STREAM_ASSIGN(JobLock taken, JobLock::visit(job));
    lock.emplace(std::move(taken));
  }
  STREAM_ASSIGN(const Inventory inventory, take_inventory(system_files(), job.checkpoints()));
  const RetentionPlan plan = plan_gc(inventory);
  for (const std::string& file : plan.files) std::printf("%s/%s\n", job.checkpoints().c_str(), file.c_str());
  return dry_run ? Status() : execute(system_files(), job.checkpoints(), plan);
}

}  // namespace

// Deletes files below the checkpoints folder that no checkpoint names; prints them.
int verb_gc(std::span<const std::string> args) {
  std::string name;
  bool dry_run = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job; not set: every job");
    app.add_flag("-n,--dry-run", dry_run, "only print what would be deleted");
  };
  return run_verb("gc", args, declare, [&] {
    std::vector<std::string> jobs = list_jobs();
    if (!name.empty()) {
      const auto job = find_job(name);
      if (!job.ok()) return fail("gc", job.status());
      jobs = {job->job};
    }
    for (const std::string& job : jobs) {
      if (const Status status = collect(job_paths(job), dry_run); !status.ok()) return fail("gc", status);
    }
    return kDone;
  });
}

}  // namespace stream
