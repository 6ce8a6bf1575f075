#include <algorithm>

#include "supervisor/plan_passes.h"

namespace stream {
namespace {

class UpsertPass {
 public:
  explicit UpsertPass(JobPlan& plan) : plan_(plan) {}

  // Every reader of a stage comes before it, so what becomes of its outputs is known.
  void run() {
    for (auto at = plan_.order.rbegin(); at != plan_.order.rend(); ++at) {
      for (std::size_t output = 0; output < plan_.stages[*at].outputs.size(); ++output) visit(*at, output);
    }
  }

 private:
  void visit(std::size_t at, std::size_t output) {
    Schema& schema = plan_.stages[at].outputs[output].schema;
    if (schema.changelog != Changelog::kUpdates || schema.key.empty()) return;
    std::vector<PlannedEdge*> edges;
    for (PlannedEdge& edge : plan_.edges) {
      if (edge.from == at && edge.output == output) edges.push_back(&edge);
    }
    if (edges.empty() || std::ranges::any_of(edges, [&](const PlannedEdge* edge) { return reads(*edge); })) return;
    schema.changelog = Changelog::kUpserts;
    for (PlannedEdge* edge : edges) {
      edge->schema.changelog = Changelog::kUpserts;
      plan_.stages[edge->to].inputs[edge->input].schema.changelog = Changelog::kUpserts;
    }
  }

  bool reads(const PlannedEdge& edge) const {
    const auto same_input = [&](const PlannedEdge& other) { return other.to == edge.to && other.input == edge.input; };
    if (std::ranges::count_if(plan_.edges, same_input) > 1) return true;  // merged rows have no unique key
    const PlannedStage& reader = plan_.stages[edge.to];
    switch (reader.answer.inputs[edge.input].update_before) {
      case BeforeRows::kRead: return true;
      case BeforeRows::kUnread: return false;
      case BeforeRows::kPassed: break;
    }
    return std::ranges::any_of(
        reader.outputs, [](const NamedSchema& output) { return output.schema.changelog == Changelog::kUpdates; });
  }

  JobPlan& plan_;
};

}  // namespace

void plan_upserts(JobPlan& plan) { UpsertPass(plan).run(); }

}  // namespace stream
