#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/pipeline_argument.h"
#include "cli/run_job.h"
#include "cli/verb.h"
#include "snapshot/savepoint.h"
#include "supervisor/pipeline_text.h"
#include "supervisor/savepoint_refs.h"

namespace stream {
namespace {

constexpr std::string_view kTerminalInBackground =
    "standard input is a terminal, which a job in the background cannot read; leave out -d, or give it a file or pipe";

// The plan, as JSON, that a run will go on with; "" if it starts anew.
Result<std::string> earlier_plan(const std::string& job, bool fresh, const std::string& from) {
  if (!from.empty()) {
    STREAM_ASSIGN(const std::string path, resolve_savepoint(from));
    STREAM_ASSIGN(CheckpointIndex index, load_savepoint(path));
    return std::move(index.plan);
  }
  const std::vector<std::string> jobs = list_jobs();
  if (fresh || std::ranges::find(jobs, job) == jobs.end()) return std::string();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job_paths(job), &lock));
  STREAM_ASSIGN(auto record, store->load());
  return record && resumable(record->state) ? std::move(record->plan) : std::string();
}

// Gives the run its standard input. What an unnamed job reads there is read once, so it is a job of its own each
// time: two can run at once, and none goes on where another was killed.
Status take_stdin(PipelineArgument& pipeline, bool detach, RunRequest& request) {
  if (!stdin_stage(request.plan)) return {};
  if (pipeline.from_stdin()) return usage_error(std::string(kHoldsPipeline));
  if (detach && pipeline.input().terminal()) return usage_error(std::string(kTerminalInBackground));
  pipeline.input().announce_terminal();
  request.input.emplace(pipeline.input().take());
  PipelineSpec& spec = request.plan.pipeline;
  if (spec.ad_hoc) {
    spec.name =
        adhoc_name(spec.name + " " + std::to_string(::getpid()) + " " + std::to_string(system_clock().wall_us()));
  }
  return {};
}

}  // namespace

int verb_run(std::span<const std::string> args) {
  PipelineArgument pipeline;
  bool detach = false;
  RunRequest request;
  std::string from;
  const auto declare = [&](CLI::App& app) {
    pipeline.declare(app);
    app.add_flag("-d,--detach", detach, "run in the background; return when it is RUNNING");
    auto* fresh = app.add_flag("--fresh", request.fresh, "start anew even if there is a checkpoint to go on from");
    app.add_option("--from", from, "start from a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest")
        ->type_name("REF")
        ->excludes(fresh);
    app.add_flag("--accept-drained", request.accept_drained, "go on from a savepoint whose windows have fired");
    app.add_flag("--accept-duplicates", request.accept_duplicates,
                 "go back behind a committed checkpoint although a sink cannot take rows back");
  };
  return run_verb("run", args, declare, [&] {
    if (detach && pipeline.input().terminal()) pipeline.input().refuse(std::string(kTerminalInBackground));
    pipeline.before_planning([&](const PipelineSpec& spec, PlanningInput& input) -> Status {
      if (spec.ad_hoc) return {};
      // Before anybody is waited for.
      if (const JobPaths paths = job_paths(spec.name); JobLock::runs(paths)) STREAM_TRY(JobLock::visit(paths).status());
      input.look_up([&, name = spec.name] { return earlier_plan(name, request.fresh, from); });
      return {};
    });
    auto plans = pipeline.plan();
    if (!plans.ok()) return pipeline.fail("run", plans.status());
    if (plans->size() != 1)
      return fail("run", usage_error("the manifest holds several pipelines; run one at a time with --name"));
    request.plan = std::move(plans->front());
    if (Status taken = take_stdin(pipeline, detach, request); !taken.ok()) return fail("run", taken);
    for (const std::string& warning : request.plan.warnings) {
      std::fprintf(stderr, "%s: warning: %s\n", request.plan.pipeline.name.c_str(), warning.c_str());
    }
    request.manifest = pipeline_to_json(request.plan.pipeline);
    if (!from.empty()) {
      auto path = resolve_savepoint(from);
      if (!path.ok()) return fail("run", path.status());
      request.from = *std::move(path);
    }
    return detach ? run_detached("run", std::move(request)) : run_foreground("run", std::move(request));
  });
}

// Starts a stopped, failed or dead job again from what it left.
int verb_resume(std::span<const std::string> args) {
  std::string name;
  bool foreground = false;
  RunRequest request;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--foreground", foreground, "stay in the foreground");
    app.add_flag("--accept-drained", request.accept_drained, "go on from a savepoint whose windows have fired");
    app.add_flag("--accept-duplicates", request.accept_duplicates,
                 "go back behind a committed checkpoint although a sink cannot take rows back");
  };
  return run_verb("resume", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("resume", job.status());
    {
      std::optional<JobLock> lock;
      auto store = open_store(*job, &lock);
      if (!store.ok()) return fail("resume", store.status());
      auto record = (*store)->load();
      if (!record.ok()) return fail("resume", record.status());
      if (!*record) return fail("resume", failed("job '" + job->job + "' has never run"));
      if ((*record)->state == JobState::kFinished || (*record)->state == JobState::kCancelled) {
        return fail("resume", failed("job '" + job->job + "' is " + std::string(to_string((*record)->state)) +
                                     "; 'stream run' starts it anew"));
      }
      auto plan = plan_from_json((*record)->plan);
      if (!plan.ok()) return fail("resume", plan.status());
      request.plan = *std::move(plan);
      request.manifest = (*record)->manifest;
    }
    return foreground ? run_foreground("resume", std::move(request)) : run_detached("resume", std::move(request));
  });
}

}  // namespace stream
