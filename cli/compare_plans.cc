#include "cli/compare_plans.h"

#include <algorithm>
#include <cstdio>

#include "cli/compare_pipeline.h"
#include "cli/pipeline_argument.h"
#include "cli/savepoint_refs.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr const char* kNoStdin = "standard input cannot be read twice; put it into a file, and name that";

// What one side was given, for PipelineArgument.
VerbValues side_values(const VerbValues& values, Side side) {
  VerbValues own;
  own.set("pipeline", {values.text(side == Side::kA ? "a" : "b")});
  for (const std::string name : {"set", "parameter"}) {
    std::vector<std::string> all = values.list(name);
    for (const std::string& one : values.list(name + (side == Side::kA ? "-a" : "-b"))) all.push_back(one);
    if (!all.empty()) own.set(name, std::move(all));
  }
  return own;
}

struct PlannedSide {
  PipelineSpec original;
  std::vector<std::string> sinks;
  JobPlan plan;
};

class SidePlanner {
 public:
  SidePlanner(const VerbValues& values, Side side, bool& told)
      : side_(side), own_(side_values(values, side)), argument_(own_), told_(told) {
    argument_.ignore_name();
    argument_.input().refuse(kNoStdin);
  }

  Result<PipelineSpec> read() {
    auto pipelines = argument_.read();
    if (!pipelines.ok()) return explained(pipelines.status());
    if (pipelines->size() == 1) return std::move(pipelines->front());
    return usage_error(std::string(name_of(side_)) + " holds several pipelines; compare manifests of one each");
  }

  Result<PlannedSide> plan(const PipelineSpec& original, const std::string& folder, const std::string& only) {
    STREAM_ASSIGN(CaughtPipeline caught,
                  catch_sinks(original, argument_.catalogue(), side_ == Side::kA ? "a" : "b", folder, only));
    ProcessAsker processes(cache_folder(), system_files());
    SamplingAsker asker(processes, argument_.input());
    PlannedSide side{original, std::move(caught.sinks), {}};
    side.plan = make_plan(std::move(caught.spec), argument_.catalogue(), asker, machine_limits(), argument_.problems());
    if (const Status wrong = argument_.problems().status(); !wrong.ok()) return explained(wrong);
    if (stdin_stage(side.plan)) return usage_error(kNoStdin);
    return side;
  }

 private:
  Status explained(const Status& status) {
    if (argument_.problems().empty()) return status;
    told_ = true;
    argument_.fail("compare", status);
    return status;
  }

  Side side_;
  VerbValues own_;
  PipelineArgument argument_;
  bool& told_;
};

RunRequest request_of(const VerbValues& values, JobPlan plan, const std::string& from) {
  RunRequest request;
  request.manifest = pipeline_to_json(plan.pipeline);
  request.plan = std::move(plan);
  request.from = from;
  request.accept_drained = values.flag("accept-drained");
  request.drop_state = values.flag("allow-non-restored-state");
  return request;
}

std::string folder_of(const std::string& folder, Side side) { return folder + (side == Side::kA ? "/a" : "/b"); }

}  // namespace

Result<PlannedRuns> plan_runs(const VerbValues& values, const CompareSettings& settings, const std::string& folder,
                              CompareReport& report, bool& told) {
  std::string from;
  if (values.has("from")) { STREAM_ASSIGN(from, resolve_savepoint(values.text("from"))); }
  SidePlanner planner_a(values, Side::kA, told);
  SidePlanner planner_b(values, Side::kB, told);
  STREAM_ASSIGN(const PipelineSpec spec_a, planner_a.read());
  STREAM_ASSIGN(const PipelineSpec spec_b, planner_b.read());
  STREAM_TRY(check_readers(spec_a, spec_b));
  STREAM_ASSIGN(PlannedSide a, planner_a.plan(spec_a, folder_of(folder, Side::kA), settings.stage));
  STREAM_ASSIGN(PlannedSide b, planner_b.plan(spec_b, folder_of(folder, Side::kB), settings.stage));
  PlannedRuns runs;
  for (const std::string& sink : a.sinks) {
    if (std::ranges::find(b.sinks, sink) == b.sinks.end())
      STREAM_TRY(report.missing(sink, "this sink is only in A"));
    else
      runs.pairs.push_back(
          pair_of({caught_rows(a.plan, catcher_of(sink), a.original, sink),
                   caught_rows(b.plan, catcher_of(sink), b.original, sink)},
                  {caught_file(folder_of(folder, Side::kA), sink), caught_file(folder_of(folder, Side::kB), sink)},
                  sink, settings.diff));
  }
  for (const std::string& sink : b.sinks) {
    if (std::ranges::find(a.sinks, sink) == a.sinks.end()) STREAM_TRY(report.missing(sink, "this sink is only in B"));
  }
  for (ResultPair& pair : runs.pairs) pair.options.goes_on = !from.empty();
  STREAM_TRY(check_columns(runs.pairs, settings.diff));
  runs.stages = {run_stages_of(a.plan), run_stages_of(b.plan)};
  runs.requests.push_back(request_of(values, std::move(a.plan), from));
  runs.requests.push_back(request_of(values, std::move(b.plan), from));
  return runs;
}

}  // namespace stream
