#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/pipeline_argument.h"
#include "cli/run_job.h"
#include "cli/run_options.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "supervisor/pipeline_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kTerminalInBackground =
    "standard input is a terminal, which a job in the background cannot read; leave out -d, or give it a file or pipe";

// Where the run starts, if that is said: the savepoint goes into the request, and its plan is returned.
Result<std::optional<std::string>> savepoint_plan(const VerbValues& values, RunRequest& request) {
  if (!values.has("from")) return std::optional<std::string>();
  STREAM_ASSIGN(request.from, resolve_savepoint(values.text("from")));
  STREAM_ASSIGN(CheckpointIndex index, savepoint_index(request.from, unpacked_root()));
  return std::optional(std::move(index.plan));
}

// The plan, as JSON, that a run without a savepoint will go on with; "" if it starts anew.
Result<std::string> earlier_plan(const std::string& job, bool fresh) {
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

// Says why a pipeline cannot be run before anybody is waited for, and where its run goes on from.
PipelineArgument::BeforePlanning look_before(const RunRequest& request, const std::optional<std::string>& from) {
  return [&](const PipelineSpec& spec, PlanningInput& input) -> Status {
    if (spec.ad_hoc) return {};
    if (const JobPaths paths = job_paths(spec.name); JobLock::runs(paths)) STREAM_TRY(JobLock::visit(paths).status());
    input.look_up([&, name = spec.name] { return from ? Result(*from) : earlier_plan(name, request.fresh); });
    return {};
  };
}

// The rest of what a run needs, once it is planned.
Status complete(PipelineArgument& pipeline, const VerbValues& values, RunRequest& request) {
  STREAM_TRY(take_stdin(pipeline, values.flag("detach"), request));
  for (const std::string& warning : request.plan.warnings) {
    std::fprintf(stderr, "%s: warning: %s\n", request.plan.pipeline.name.c_str(), warning.c_str());
  }
  request.manifest = pipeline_to_json(request.plan.pipeline);
  return {};
}

// All pipelines of a manifest, each a job in the background.
int run_several(PipelineArgument& pipeline, const VerbValues& values, std::vector<JobPlan> plans) {
  std::vector<std::string> names;
  for (const JobPlan& plan : plans) names.push_back(plan.pipeline.name);
  if (!values.flag("detach") || values.has("from")) {
    return fail("run", usage_error("the manifest holds the pipelines " + join(names, ", ") +
                                   (values.has("from") ? ": say which one goes on from that savepoint with --name"
                                                       : ": choose one with --name, or start all with --detach")));
  }
  int worst = kDone;
  for (JobPlan& plan : plans) {
    RunRequest request = request_of(values);
    request.drop_state = values.flag("allow-non-restored-state");
    request.plan = std::move(plan);
    const Status done = complete(pipeline, values, request);
    worst = std::max(worst, done.ok() ? run_detached("run", std::move(request)) : fail("run", done));
  }
  return worst;
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  RunRequest request = request_of(values);
  request.drop_state = values.flag("allow-non-restored-state");
  const bool detach = values.flag("detach");
  if (detach && pipeline.input().terminal()) pipeline.input().refuse(std::string(kTerminalInBackground));
  const auto from = savepoint_plan(values, request);
  if (!from.ok()) return fail("run", from.status());
  pipeline.before_planning(look_before(request, *from));
  auto plans = pipeline.plan();
  // What else is wrong, if anything, is said.
  if (!plans.ok() && pipeline.input().empty() && pipeline.problems().sorted().size() == 1) {
    std::fprintf(stderr, "stream run: standard input is empty: nothing to do\n");
    return kDone;
  }
  if (!plans.ok()) return pipeline.fail("run", plans.status());
  if (plans->size() != 1) return run_several(pipeline, values, *std::move(plans));
  request.plan = std::move(plans->front());
  if (const Status done = complete(pipeline, values, request); !done.ok()) return fail("run", done);
  return detach ? run_detached("run", std::move(request)) : run_foreground("run", std::move(request));
}

constexpr auto kRunOptions = with_pipeline({
    VerbOption{.name = "detach",
               .letter = 'd',
               .doc = "Run in the background; return when it is RUNNING.",
               .kind = ValueKind::kFlag},
    VerbOption{.name = "fresh",
               .doc = "Start anew even if there is a checkpoint to go on from.",
               .kind = ValueKind::kFlag,
               .excludes = "from"},
    VerbOption{.name = "from",
               .arg = "REF",
               .doc = "Start from a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.",
               .kind = ValueKind::kReference},
    kAcceptDrained,
    kAcceptDuplicates,
    kAllowNonRestoredState,
});

constexpr VerbExample kRunExamples[] = {
    {"stream run \"read-file access.ndjson | filter 'status >= 500' | write-sqlite errors.db --table errors\"",
     "Runs a pipeline until its input has ended."},
    {"stream run -d manifests/web-errors.yaml -p path=/var/log/access.ndjson",
     "Runs the job of a manifest in the background, with another input."},
    {"stream run web-errors.yaml --from web-errors@before-upgrade", "Starts a new run from a labelled savepoint."},
};

}  // namespace

const VerbTable kRunVerb = {
    .description =
        "Plans the pipeline and runs it as a job, under the name in the manifest. A pipeline without a name gets one, "
        "and leaves nothing behind when it has finished. A pipeline that does not begin with a source reads standard "
        "input; one that does not end in a sink prints its rows.\n\n"
        "A job that has stopped, failed or crashed goes on from its newest checkpoint or savepoint, and says so; one "
        "that "
        "has finished or was cancelled starts anew. A job that runs is not started again.\n\n"
        "In the foreground a line on the terminal shows how it goes. Ctrl-C, SIGTERM and SIGHUP stop it at a final "
        "checkpoint; the second time it ends at once. Warnings and errors of the stages go to standard error, all they "
        "log to the log of the job.",
    .options = kRunOptions,
    .examples = kRunExamples,
    .no = "The job has failed, runs already, or cannot go on from what there is.",
    .run = run,
};

}  // namespace stream
