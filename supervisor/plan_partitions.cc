#include <algorithm>
#include <set>

#include "supervisor/plan_passes.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::vector<std::string> key_of(const Schema& schema) {
  std::vector<std::string> names;
  for (const std::size_t column : schema.key) names.push_back(schema.fields[column].name);
  return names;
}

bool subset(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::ranges::all_of(part,
                             [&](const std::string& name) { return std::ranges::find(whole, name) != whole.end(); });
}

// Whether each output that carries changes has a key that is computed from all of the columns the
// input is spread by: then all changes of one of its rows are made by one instance.
bool outputs_follow(const PlannedStage& stage, std::size_t input, const std::vector<std::string>& columns) {
  for (const AnsweredOutput& output : stage.answer.outputs) {
    if (output.schema.changelog == Changelog::kAppend) continue;
    std::vector<std::string> origins;
    for (const std::size_t column : output.schema.key) {
      if (column >= output.lineage.size()) continue;
      for (const InputColumn& ref : output.lineage[column]) {
        if (ref.input == input) origins.push_back(ref.column);
      }
    }
    if (!subset(columns, origins)) return false;
  }
  return true;
}

class PartitionPass {
 public:
  PartitionPass(JobPlan& plan, Problems& problems) : plan_(plan), problems_(problems) {}

  void run(PlannedEdge& edge) {
    const PlannedStage& to = plan_.stages[edge.to];
    const AnsweredInput& input = to.answer.inputs[edge.input];
    const bool equal = plan_.stages[edge.from].parallelism == to.parallelism;
    const bool alone = equal && to.parallelism == 1;
    switch (input.spread) {
      case Spread::kAny: return spread_any(edge, equal);
      case Spread::kBroadcast: edge.kind = alone ? EdgeKind::kForward : EdgeKind::kBroadcast; return;
      case Spread::kSingle: edge.kind = alone ? EdgeKind::kForward : EdgeKind::kSingle; return;
      case Spread::kHash: return alone ? void(edge.kind = EdgeKind::kForward) : spread_by(edge, input.columns);
    }
  }

 private:
  const Schema& schema_of(const PlannedEdge& edge) const { return plan_.stages[edge.from].outputs[edge.output].schema; }

  // Rows may go anywhere, but all changes of one row must go the same way.
  void spread_any(PlannedEdge& edge, bool equal) {
    const Schema& schema = schema_of(edge);
    edge.kind = equal ? EdgeKind::kForward : EdgeKind::kRebalance;
    if (equal || schema.changelog == Changelog::kAppend || plan_.stages[edge.to].parallelism == 1) return;
    edge.kind = EdgeKind::kHash;
    edge.hash_columns = key_of(schema);
    if (!edge.hash_columns.empty()) return;
    refuse(edge, "its rows may change and have no unique key, so they cannot be spread over " +
                     std::to_string(plan_.stages[edge.to].parallelism) +
                     " instances; give both stages the same parallelism");
  }

  void spread_by(PlannedEdge& edge, const std::vector<std::string>& columns) {
    edge.kind = EdgeKind::kHash;
    edge.hash_columns = columns;
    const Schema& schema = schema_of(edge);
    const PlannedStage& to = plan_.stages[edge.to];
    if (schema.changelog == Changelog::kAppend || to.parallelism == 1) return;
    const std::vector<std::string> key = key_of(schema);
    const bool same = subset(columns, key) && (to.role != StageRole::kSink || subset(key, columns));
    if (same || (to.role != StageRole::kSink && outputs_follow(to, edge.input, columns))) return;
    const std::string has = key.empty() ? "no unique key" : "the unique key (" + join(key, ", ") + ")";
    refuse(edge, "its rows may change and have " + has + ", but '" + plan_.pipeline.stages[edge.to].name +
                     "' wants them spread by (" + join(columns, ", ") +
                     "): changes of one row could arrive in either order; set parallelism to 1 or use that key");
  }

  void refuse(const PlannedEdge& edge, const std::string& why) {
    const StageSpec& to = plan_.pipeline.stages[edge.to];
    problems_.add(to.at, "stage '" + to.name + "' cannot read '" + plan_.pipeline.stages[edge.from].name + "': " + why);
  }

  JobPlan& plan_;
  Problems& problems_;
};

}  // namespace

void plan_partitions(JobPlan& plan, Problems& problems) {
  PartitionPass pass(plan, problems);
  for (PlannedEdge& edge : plan.edges) pass.run(edge);
}

}  // namespace stream
