#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/plan_hosts.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string line(const std::string& label, const std::string& text) {
  std::string out = "  " + label;
  out.append(out.size() < 14 ? 14 - out.size() : 1, ' ');
  return out + text + "\n";
}

std::string schema_text(const Schema& schema) {
  std::string text = to_string(schema);
  if (schema.time) text += "; time " + schema.fields[*schema.time].name;
  std::vector<std::string> key;
  for (const std::size_t column : schema.key) key.push_back(schema.fields[column].name);
  if (!key.empty()) text += "; key " + join(key, ", ");
  if (schema.changelog != Changelog::kAppend) text += "; rows change";
  if (schema.changelog == Changelog::kUpserts) text += ", without what they were before";
  return text;
}

std::string edge_text(const JobPlan& plan, const PlannedEdge& edge) {
  const NamedSchema& output = plan.stages[edge.from].outputs[edge.output];
  std::string text = plan.pipeline.stages[edge.from].name + (output.name == "out" ? "" : "." + output.name) + ", " +
                     std::string(edge_kind_name(edge.kind));
  if (!edge.hash_columns.empty()) text += " by " + join(edge.hash_columns, ", ");
  text += ", columns " + join(edge.schema.names(), ", ");
  return edge.filter.empty() ? text : text + ", filtered there: " + edge.filter;
}

std::string table_text(const TableSpec& table) {
  Schema key{.fields = table.key, .time = {}, .key = {}, .changelog = {}};
  Schema value{.fields = table.value, .time = {}, .key = {}, .changelog = {}};
  return table.name + " (" + to_string(key) + ") -> (" + to_string(value) + "), " +
         std::string(to_string(table.distribution));
}

// What a sink does when its job goes back behind what it has written.
std::string back_text(const std::string& goes_back) {
  if (goes_back == "all") return "takes its rows back";
  if (goes_back == "inserted") return "takes new rows back; rows replaced since keep their values";
  return "cannot take rows back";
}

std::string stage_text(const JobPlan& plan, std::size_t at, const Placed& placed) {
  const StageSpec& spec = plan.pipeline.stages[at];
  const PlannedStage& stage = plan.stages[at];
  std::string out =
      spec.name + ": " + spec.run + (stage.parallelism == 1 ? "" : " x" + std::to_string(stage.parallelism)) + "\n";
  if (!placed.empty()) out += line("hosts", hosts_text(plan, placed[at]));
  for (const PlannedEdge& edge : plan.edges) {
    if (edge.to == at) out += line("from", edge_text(plan, edge));
  }
  if (!stage.not_read.empty()) out += line("not sent", join(stage.not_read, ", "));
  for (const NamedSchema& output : stage.outputs) {
    if (output.name != "errors") out += line(output.name, schema_text(output.schema));
  }
  for (const TableSpec& table : stage.answer.state) out += line("state", table_text(table));
  if (!stage.answer.visible.empty()) out += line("visible", stage.answer.visible);
  if (!stage.answer.goes_back.empty()) out += line("goes back", back_text(stage.answer.goes_back));
  if (!stage.answer.replayed.empty()) out += line("replayed", stage.answer.replayed);
  if (!stage.answer.exactly_once) out += line("guarantee", "at least once");
  return out;
}

// The stage and all it gets rows from.
std::vector<std::size_t> upstream_of(const JobPlan& plan, std::size_t sink) {
  std::vector<std::size_t> found = {sink};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const PlannedEdge& edge : plan.edges) {
      if (edge.to == found[i] && std::ranges::find(found, edge.from) == found.end()) found.push_back(edge.from);
    }
  }
  return found;
}

// What holds from the sources to a sink after a crash, and what weakens it.
std::string guarantee_of(const JobPlan& plan, std::size_t sink) {
  std::vector<std::string> weaker;
  if (plan.pipeline.checkpoint.mode == CheckpointMode::kAtLeastOnce)
    weaker.emplace_back("checkpoints are taken with mode at-least-once");
  for (const std::size_t at : upstream_of(plan, sink)) {
    const StageSpec& spec = plan.pipeline.stages[at];
    if (plan.stages[at].answer.exactly_once) continue;
    weaker.push_back("'" + spec.name + "' (" + spec.run +
                     (at == sink ? ") cannot take rows back" : ") can give rows again"));
  }
  std::string text = weaker.empty() ? "exactly once" : "at least once: " + join(weaker, ", ");
  if (!plan.pipeline.checkpoint.enabled) text += "; without periodic checkpoints a crash goes back to the last stop";
  return text;
}

std::string guarantees_text(const JobPlan& plan) {
  std::string out;
  for (const std::size_t at : plan.order) {
    if (plan.stages[at].role == StageRole::kSink) out += line(plan.pipeline.stages[at].name, guarantee_of(plan, at));
  }
  return out.empty() ? out : "\nend to end\n" + out;
}

std::string plan_text(const JobPlan& plan) {
  const CheckpointSpec& checkpoint = plan.pipeline.checkpoint;
  std::string out =
      "pipeline " + plan.pipeline.name + ": " + std::string(mode_name(checkpoint.mode)) + ", " +
      (checkpoint.enabled ? "a checkpoint every " + format_duration(checkpoint.interval) : "no checkpoints") + "\n";
  if (plan.pipeline.savepoints != SavepointRules())
    out += "savepoints: " + rules_text(plan.pipeline.savepoints, plan.pipeline.name) + "\n";
  const Placed placed = place_plan(plan).ok() ? *place_plan(plan) : Placed();
  for (const std::size_t at : plan.order) out += "\n" + stage_text(plan, at, placed);
  out += guarantees_text(plan);
  if (!plan.warnings.empty()) out += "\n";
  for (const std::string& warning : plan.warnings) out += "warning: " + warning + "\n";
  return out;
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("explain", plans.status());
  for (const JobPlan& plan : *plans) {
    std::fputs((values.flag("json") ? plan_to_json(plan) + "\n" : plan_text(plan)).c_str(), stdout);
  }
  return kDone;
}

constexpr auto kOptions = with_pipeline({json_option("Print the whole plan as JSON, a line a pipeline.")});

constexpr VerbExample kExamples[] = {
    {"stream explain \"generate 'n, n % 3 as k' | aggregate --by k 'count(*) as n' | print\"",
     "Shows the columns and types of every stage, and which of them travel."},
};

}  // namespace

const VerbTable kExplainVerb = {
    .description =
        "Plans the pipeline and prints, stage by stage, where its rows come from and how they are spread over "
        "instances, which columns it gets and makes and which are not sent as nothing uses them, whether its rows "
        "change "
        "and what they were before is told, the tables of its state, and, of a sink, when its rows become visible. A "
        "condition of a filter that its producer applies stands "
        "with the edge. Where a manifest has several hosts, it says which of them the instances go to.\n\n"
        "At the end stands, for each sink, what holds from the sources to it after a crash, and which stages weaken "
        "it.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
