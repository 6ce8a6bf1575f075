#include <nlohmann/json.hpp>

#include "supervisor/plan.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Schema& schema) { return ordered_json::parse(schema_to_json(schema)); }

// schema_from_json for use among at(): throws what nlohmann's readers throw.
Schema schema_from(const ordered_json& json) {
  auto schema = schema_from_json(json.dump());
  if (!schema.ok()) throw ordered_json::other_error::create(501, schema.status().what(), &json);
  return *std::move(schema);
}

ordered_json to_json(const std::vector<NamedSchema>& schemas) {
  ordered_json out = ordered_json::array();
  for (const NamedSchema& named : schemas) out.push_back({{"name", named.name}, {"schema", to_json(named.schema)}});
  return out;
}

std::vector<NamedSchema> schemas_from(const ordered_json& json) {
  std::vector<NamedSchema> out;
  for (const ordered_json& named : json) out.push_back({named.at("name"), schema_from(named.at("schema"))});
  return out;
}

ordered_json to_json(const PlannedStage& stage) {
  ordered_json out = {
      {"executable", stage.executable},    {"role", role_name(stage.role)},
      {"parallelism", stage.parallelism},  {"inputs", to_json(stage.inputs)},
      {"outputs", to_json(stage.outputs)}, {"answer", ordered_json::parse(answer_to_json(stage.answer))}};
  if (stage.submitted != 0) out["submitted"] = stage.submitted;
  if (stage.submitted_bounds)
    out["submitted-bounds"] = ordered_json::array({stage.submitted_bounds->least, stage.submitted_bounds->most});
  return out;
}

PlannedStage stage_from(const ordered_json& json) {
  PlannedStage stage{.executable = json.at("executable"),
                     .role = StageRole::kOperator,
                     .parallelism = json.at("parallelism"),
                     .submitted = json.value("submitted", 0U),
                     .submitted_bounds = {},
                     .inputs = schemas_from(json.at("inputs")),
                     .outputs = schemas_from(json.at("outputs"))};
  if (json.contains("submitted-bounds"))
    stage.submitted_bounds = {json.at("submitted-bounds").at(0), json.at("submitted-bounds").at(1)};
  for (const StageRole role : {StageRole::kSource, StageRole::kSink}) {
    if (json.at("role") == role_name(role)) stage.role = role;
  }
  auto answer = answer_from_json(json.at("answer").dump());
  if (!answer.ok()) throw ordered_json::other_error::create(501, answer.status().what(), &json);
  stage.answer = *std::move(answer);
  return stage;
}

ordered_json to_json(const PlannedEdge& edge) {
  return {{"from", edge.from},
          {"output", edge.output},
          {"to", edge.to},
          {"input", edge.input},
          {"kind", edge_kind_name(edge.kind)},
          {"hash-columns", edge.hash_columns},
          {"schema", to_json(edge.schema)},
          {"filter", edge.filter}};
}

PlannedEdge edge_from(const ordered_json& json) {
  PlannedEdge edge{.from = json.at("from"),
                   .output = json.at("output"),
                   .to = json.at("to"),
                   .input = json.at("input"),
                   .kind = EdgeKind::kForward,
                   .hash_columns = json.at("hash-columns"),
                   .schema = schema_from(json.at("schema")),
                   .filter = json.at("filter")};
  for (const EdgeKind kind : {EdgeKind::kHash, EdgeKind::kRebalance, EdgeKind::kBroadcast, EdgeKind::kSingle}) {
    if (json.at("kind") == edge_kind_name(kind)) edge.kind = kind;
  }
  return edge;
}

// Indexes that lead outside the plan would be read as they are.
bool consistent(const JobPlan& plan) {
  const std::size_t n = plan.stages.size();
  if (plan.pipeline.stages.size() != n || plan.order.size() != n) return false;
  for (const std::size_t at : plan.order) {
    if (at >= n) return false;
  }
  for (const PlannedEdge& edge : plan.edges) {
    if (edge.from >= n || edge.to >= n || edge.output >= plan.stages[edge.from].outputs.size() ||
        edge.input >= plan.stages[edge.to].inputs.size()) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string plan_to_json(const JobPlan& plan) {
  ordered_json out = {{"version", 1}, {"pipeline", ordered_json::parse(pipeline_to_json(plan.pipeline))}};
  out["stages"] = ordered_json::array();
  for (const PlannedStage& stage : plan.stages) out["stages"].push_back(to_json(stage));
  out["order"] = plan.order;
  out["edges"] = ordered_json::array();
  for (const PlannedEdge& edge : plan.edges) out["edges"].push_back(to_json(edge));
  out["warnings"] = plan.warnings;
  return out.dump();
}

Result<JobPlan> plan_from_json(std::string_view text) {
  try {
    const ordered_json json = ordered_json::parse(text);
    JobPlan plan;
    STREAM_ASSIGN(plan.pipeline, pipeline_from_json(json.at("pipeline").dump()));
    for (const ordered_json& stage : json.at("stages")) plan.stages.push_back(stage_from(stage));
    plan.order = json.at("order").get<std::vector<std::size_t>>();
    for (const ordered_json& edge : json.at("edges")) plan.edges.push_back(edge_from(edge));
    plan.warnings = json.at("warnings").get<std::vector<std::string>>();
    if (!consistent(plan)) return corrupt("plan: an edge leads outside the plan");
    return plan;
  } catch (const nlohmann::json::exception& error) { return corrupt(std::string("plan: ") + error.what()); }
}

}  // namespace stream
