#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/verb.h"

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

}  // namespace

int verb_check(std::span<const std::string> args) {
  PipelineArgument pipeline;
  bool json = false;
  const auto declare = [&](CLI::App& app) {
    pipeline.declare(app);
    app.add_flag("--json", json, "print JSON, a line a pipeline");
  };
  return run_verb("check", args, declare, [&] {
    const auto plans = pipeline.plan();
    if (!plans.ok() && pipeline.problems().empty()) return fail("check", plans.status());
    if (!plans.ok()) {
      if (json)
        std::printf("%s\n", to_json(pipeline.problems()).dump().c_str());
      else
        pipeline.fail("check", plans.status());
      return kNo;
    }
    for (const JobPlan& plan : *plans) {
      if (json)
        std::printf("%s\n", to_json(plan).dump().c_str());
      else
        print(plan);
    }
    return kDone;
  });
}

}  // namespace stream
