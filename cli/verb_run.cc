#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/command.h"
#include "cli/commanded.h"
#include "cli/job_server.h"
#include "cli/output_owners.h"
#include "cli/pipeline_argument.h"
#include "cli/run_job.h"
#include "cli/run_options.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "supervisor/job_client.h"
#include "supervisor/pipeline_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kTerminalInBackground =
    "standard input is a terminal, which a job in the background cannot read; leave out -d, or give it a file or pipe";

// Where the run starts, if that is said: the savepoint goes into the request, and its plan is returned.
struct From {
  std::string plan;
  std::string job;          // whose snapshot it is
  std::string checkpoints;  // its folder, of a checkpoint
  Epoch epoch;
};
Result<std::optional<From>> start_of(const VerbValues& values, RunRequest& request) {
  if (!values.has("from")) return std::optional<From>();
  if (auto checkpoint = find_checkpoint(values.text("from"))) {
    STREAM_ASSIGN(SnapshotPlace place, *std::move(checkpoint));
    request.back_to = place.index.epoch;
    return std::optional(From{place.index.plan, place.index.job, place.folder, place.index.epoch});
  }
  STREAM_ASSIGN(request.from, resolve_savepoint(values.text("from")));
  STREAM_ASSIGN(const CheckpointIndex index, savepoint_index(request.from, unpacked_root()));
  return std::optional(From{index.plan, index.job, "", index.epoch});
}

// A checkpoint lives and dies with its job, which alone goes back to it. What sinks write is written by one job.
Status check_start(const From& from, const JobPlan& plan) {
  const std::string& job = plan.pipeline.name;
  if (!from.checkpoints.empty() && from.checkpoints != job_paths(job).checkpoints()) {
    return usage_error("checkpoint " + std::to_string(from.epoch.value()) + " is of job '" + from.job +
                       "', and no savepoint: make one with 'stream savepoint " + from.job + "' to begin '" + job +
                       "' with");
  }
  return check_not_of(from.job, plan);
}

// The same pipelines with sinks that write beside those planned.
Result<std::vector<JobPlan>> plan_beside(PipelineArgument& pipeline, const From& from, const JobPlan& planned) {
  if (pipeline.from_stdin()) return usage_error("--outputs beside needs the pipeline in an argument, not from -");
  const std::string& job = planned.pipeline.name;
  const std::string word = from.job == job ? "from-" + std::to_string(from.epoch.value()) : job;
  pipeline.edit([&](PipelineSpec& spec) { return write_beside(planned, word, spec); });
  return pipeline.plan();
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
  if (commanded() != nullptr) return usage_error(std::string(kNotSent));
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
PipelineArgument::BeforePlanning look_before(const RunRequest& request, const std::optional<From>& from) {
  return [&](const PipelineSpec& spec, PlanningInput& input) -> Status {
    if (spec.ad_hoc) return {};
    if (const JobPaths paths = job_paths(spec.name); JobLock::runs(paths)) STREAM_TRY(JobLock::visit(paths).status());
    input.look_up([&, name = spec.name] { return from ? Result(from->plan) : earlier_plan(name, request.fresh); });
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

Status check_ha(const VerbValues& values) {
  if (values.flag("standby") && !values.has("ha")) return usage_error("--standby goes with --ha");
  return check_advertised(values.text("advertise"), values.has("ha"));
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  RunRequest request = request_of(values);
  request.drop_state = values.flag("allow-non-restored-state");
  const bool detach = values.flag("detach");
  if (detach && pipeline.input().terminal()) pipeline.input().refuse(std::string(kTerminalInBackground));
  for (const std::string needs : {"claim", "outputs"}) {
    if (values.has(needs) && !values.has("from")) return fail("run", usage_error("--" + needs + " goes with --from"));
  }
  const std::string& http = values.text("http");
  if (const Status may = check_job_server(http); !may.ok()) return fail("run", may);
  if (const Status may = check_ha(values); !may.ok()) return fail("run", may);
  const auto from = start_of(values, request);
  if (!from.ok()) return fail("run", from.status());
  pipeline.before_planning(look_before(request, *from));
  auto plans = pipeline.plan();
  // What else is wrong, if anything, is said.
  if (!plans.ok() && pipeline.input().empty() && pipeline.problems().sorted().size() == 1) {
    std::fprintf(stderr, "stream run: standard input is empty: nothing to do\n");
    return kDone;
  }
  if (!plans.ok()) return pipeline.fail("run", plans.status());
  if (plans->size() != 1 && !http.empty())
    return fail("run", usage_error("--http serves one job, and these are several; 'stream serve' serves all"));
  if (plans->size() != 1 && values.has("ha"))
    return fail("run", usage_error("--ha is for one job, and these are several: choose one with --name"));
  if (plans->size() != 1) return run_several(pipeline, values, *std::move(plans));
  if (*from && request.outputs == Outputs::kBeside) {
    auto beside = plan_beside(pipeline, **from, JobPlan(plans->front()));
    if (!beside.ok()) return pipeline.fail("run", beside.status());
    plans = std::move(beside);
  }
  if (*from) {
    if (const Status may = check_start(**from, plans->front()); !may.ok()) return fail("run", may);
  }
  request.plan = std::move(plans->front());
  if (const Status done = complete(pipeline, values, request); !done.ok()) return fail("run", done);
  const SeveralSupervisors ha{values.text("ha"), values.flag("standby"), values.text("advertise")};
  return detach ? run_detached("run", std::move(request), http, ha)
                : run_foreground("run", std::move(request), http, ha);
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
    VerbOption{.name = "http",
               .arg = "ADDRESS",
               .doc = "Serve the job over HTTP to this machine as long as it runs, at HOST:PORT or PORT, as 'stream "
                      "serve' serves all; port 0 takes a free one."},
    VerbOption{
        .name = "ha",
        .arg = "PLACE",
        .doc =
            "Stand ready for the job with supervisors on other hosts, of which one leads: "
            "file:///shared/folder, zookeeper://host1,host2,host3/path or kubernetes:///namespace; see stream-ha(7)."},
    VerbOption{.name = "advertise",
               .arg = "URL",
               .doc = "With --ha: where others reach the server of this host, as https://host-a:8081. Who asks the "
                      "server of a host that stands by is sent to the leader's; left out, to that of --http."},
    VerbOption{.name = "standby",
               .doc = "With --ha: only stand by for the job, which others begin; end when it has ended.",
               .kind = ValueKind::kFlag},
    VerbOption{.name = "log-to",
               .arg = "WHERE",
               .doc = "Where it is logged to beside the files that 'stream logs' reads, in place of what the manifest "
                      "says: stderr, syslog, journald, or several, as 'stderr,journald'; with options as there: "
                      "'{stderr: {format: json}}'."},
    VerbOption{.name = "from",
               .arg = "REF",
               .doc =
                   "Start from a savepoint (a path, JOB@N, JOB@LABEL or JOB@latest), or go back to a checkpoint that "
                   "the job has kept, JOB@N.",
               .kind = ValueKind::kReference},
    kOutputs,
    kClaim,
    kNoClaim,
    kAcceptDrained,
    kAcceptDuplicates,
    kAllowNonRestoredState,
});

constexpr VerbExample kRunExamples[] = {
    {"stream run \"read-file access.ndjson | filter 'status >= 500' | write-sqlite errors.db --table errors\"",
     "Runs a pipeline until its input has ended."},
    {"stream run -d manifests/web-errors.yaml -p path=/var/log/access.ndjson",
     "Runs the job of a manifest in the background, with another input."},
    {"stream run web-errors.yaml --from web-errors@before-upgrade --outputs rewind",
     "Goes back to a labelled savepoint: what sinks have written since is taken back, and written anew."},
    {"stream run -d counts.yaml --from counts@latest --name trial --outputs beside",
     "Starts another job from the same state, which writes to files of its own."},
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
        "With --from the job goes back to an earlier savepoint, or to one of the checkpoints it has kept. When its "
        "sinks "
        "have written more since, it must be said what becomes of that: with --outputs rewind they take it back, and "
        "the "
        "results are those of a run that never went another way ('stream explain' says which sinks can); with "
        "--outputs "
        "beside this run writes to other files, 'out.from-17.ndjson' beside 'out.ndjson'. A savepoint of another job "
        "begins a job of its own, a clone: while the other may go on, both must not write to the same places, and "
        "--outputs beside gives the clone files of its own, 'out.NAME.ndjson'. No two running jobs write one file.\n\n"
        "In the foreground a line on the terminal shows how it goes. Ctrl-C, SIGTERM and SIGHUP stop it at a final "
        "checkpoint; the second time it ends at once. Warnings and errors of the stages go to standard error, all they "
        "log to the log of the job.",
    .options = kRunOptions,
    .examples = kRunExamples,
    .no = "The job has failed, runs already, or cannot go on from what there is.",
    .run = run,
};

}  // namespace stream
