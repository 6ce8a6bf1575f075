#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/verb.h"
#include "cli/verb_values.h"

namespace stream {
namespace {

void print(const JobPlan& plan) {
  const SocketNeed need = sockets_of(plan);
  std::size_t processes = 0;
  for (const PlannedStage& stage : plan.stages) processes += stage.parallelism;
  for (const std::string& warning : plan.warnings)
    std::fprintf(stderr, "%s: warning: %s\n", plan.pipeline.name.c_str(), warning.c_str());
  std::printf("%s: ok: %zu stages, %zu processes, %zu sockets, at most %zu in one process\n",
              plan.pipeline.name.c_str(), plan.stages.size(), processes, need.total, need.largest);
}

nlohmann::ordered_json to_json(const JobPlan& plan) {
  const SocketNeed need = sockets_of(plan);
  return {{"pipeline", plan.pipeline.name}, {"ok", true},
          {"stages", plan.stages.size()},   {"sockets", need.total},
          {"sockets-max", need.largest},    {"warnings", plan.warnings}};
}

nlohmann::ordered_json to_json(const Problems& problems) {
  nlohmann::ordered_json out = {{"ok", false}};
  for (const Problem& problem : problems.sorted()) {
    out["problems"].push_back({{"file", problem.at.file},
                               {"line", problem.at.line},
                               {"column", problem.at.column},
                               {"message", problem.message}});
  }
  return out;
}

int print_problems(const PipelineArgument& pipeline, const Status& status, bool as_json) {
  if (pipeline.problems().empty()) return fail("check", status);
  if (as_json)
    std::printf("%s\n", to_json(pipeline.problems()).dump().c_str());
  else
    pipeline.fail("check", status);
  return kNo;
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  const bool as_json = values.flag("json");
  const auto plans = pipeline.plan();
  if (!plans.ok()) return print_problems(pipeline, plans.status(), as_json);
  for (const JobPlan& plan : *plans) {
    if (as_json)
      std::printf("%s\n", to_json(plan).dump().c_str());
    else
      print(plan);
  }
  return kDone;
}

constexpr auto kOptions = with_pipeline({json_option("Print JSON, a line a pipeline.")});

constexpr VerbExample kExamples[] = {
    {"stream check manifests/web-errors.yaml", "Says 'ok' and what it would take, or what is wrong and where."},
    {"stream check --json web.yaml | jq '.problems[].message'", "The same for an editor."},
};

}  // namespace

const VerbTable kCheckVerb = {
    .description =
        "Reads the pipeline, asks every stage program for its plan, and reports everything that is wrong, a line each: "
        "file, line, column, and the nearest name that would be right. Files that a source samples and files that a "
        "sink would write are looked at; nothing is written and no stage runs.\n\n"
        "Printed are the numbers of stages, processes and sockets a run would take; warnings go to standard error.",
    .options = kOptions,
    .examples = kExamples,
    .no = "Something is wrong with the pipeline.",
    .run = run,
};

}  // namespace stream
