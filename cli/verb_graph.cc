#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
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

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  const auto pipelines = pipeline.read();
  if (!pipelines.ok()) return pipeline.fail("graph", pipelines.status());
  for (const PipelineSpec& spec : *pipelines) {
    if (values.flag("json"))
      std::printf("%s\n", graph_json(spec).dump().c_str());
    else
      std::fputs((values.flag("dot") ? graph_dot(spec) : graph_text(spec)).c_str(), stdout);
  }
  return kDone;
}

constexpr auto kOptions = with_pipeline({VerbOption{.name = "dot",
                                                    .doc = "Print a graph in the language of Graphviz.",
                                                    .kind = ValueKind::kFlag,
                                                    .excludes = "json"},
                                         json_option("Print JSON, a line a pipeline: its stages and edges.")});

constexpr VerbExample kExamples[] = {
    {"stream graph manifests/web-errors.yaml", "Draws the stages with lines between them."},
    {"stream graph --dot web.yaml | dot -T svg > web.svg", "Makes a picture."},
};

}  // namespace

const VerbTable kGraphVerb = {
    .description =
        "Draws the stages of a pipeline and what flows between them. No stage program is asked for its plan, "
        "so a pipeline that does not fit its data can be drawn too.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
