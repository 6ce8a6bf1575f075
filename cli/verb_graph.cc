#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/verb.h"
#include "supervisor/drawing.h"

namespace stream {
namespace {

nlohmann::ordered_json graph_json(const PipelineSpec& pipeline) {
  nlohmann::ordered_json out = {{"pipeline", pipeline.name}};
  out["stages"] = nlohmann::ordered_json::array();
  out["edges"] = nlohmann::ordered_json::array();
  for (const StageSpec& stage : pipeline.stages) {
    out["stages"].push_back({{"name", stage.name}, {"run", stage.run}, {"parallelism", stage.parallelism}});
    for (const InputRef& ref : stage.from) {
      out["edges"].push_back({{"from", ref.stage}, {"output", ref.output}, {"to", stage.name}, {"input", ref.name}});
    }
  }
  return out;
}

}  // namespace

int verb_graph(std::span<const std::string> args) {
  PipelineArgument pipeline;
  bool dot = false;
  bool json = false;
  const auto declare = [&](CLI::App& app) {
    pipeline.declare(app);
    CLI::Option* as_dot = app.add_flag("--dot", dot, "print a graph in the language of Graphviz");
    app.add_flag("--json", json, "print JSON, a line a pipeline")->excludes(as_dot);
  };
  return run_verb("graph", args, declare, [&] {
    const auto pipelines = pipeline.read();
    if (!pipelines.ok()) return pipeline.fail("graph", pipelines.status());
    for (const PipelineSpec& spec : *pipelines) {
      if (json)
        std::printf("%s\n", graph_json(spec).dump().c_str());
      else
        std::fputs((dot ? graph_dot(spec) : graph_text(spec)).c_str(), stdout);
    }
    return kDone;
  });
}

}  // namespace stream
