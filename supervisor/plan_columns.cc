#include <algorithm>
#include <set>

#include "supervisor/plan_passes.h"

namespace stream {
namespace {

using Names = std::set<std::string>;

void add_time_and_key(const Schema& schema, Names& names) {
  if (schema.time) names.insert(schema.fields[*schema.time].name);
  for (const std::size_t column : schema.key) names.insert(schema.fields[column].name);
}

// A stream without a column has nothing to hold its rows: the narrowest stays.
void keep_one(const Schema& schema, Names& names) {
  if (!names.empty() || schema.fields.empty()) return;
  const auto width = [](const Field& field) { return field.type.variable() ? 64 : field.type.width(); };
  names.insert(std::ranges::min_element(schema.fields, {}, width)->name);
}

Schema keep(const Schema& schema, const Names& names) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (names.contains(schema.fields[i].name)) columns.push_back(i);
  }
  return project(schema, columns);
}

class ColumnPass {
 public:
  explicit ColumnPass(JobPlan& plan) : plan_(plan), wanted_(plan.stages.size()) {
    for (std::size_t i = 0; i < plan.stages.size(); ++i) wanted_[i].resize(plan.stages[i].outputs.size());
  }

  // Every reader of a stage comes before it, so what it wants is known.
  void run() {
    for (auto at = plan_.order.rbegin(); at != plan_.order.rend(); ++at) visit(*at);
  }

 private:
  void visit(std::size_t at) {
    PlannedStage& stage = plan_.stages[at];
    for (std::size_t o = 0; o < stage.outputs.size(); ++o) {
      NamedSchema& output = stage.outputs[o];
      Names& names = wanted_[at][o];
      add_time_and_key(output.schema, names);
      keep_one(output.schema, names);
      if (output.name != "errors") output.schema = keep(output.schema, names);
    }
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) visit_input(at, i);
  }

  void visit_input(std::size_t at, std::size_t input) {
    Schema& schema = plan_.stages[at].inputs[input].schema;
    Names names = needs_of(plan_.stages[at], input, wanted_[at]);
    for (const PlannedEdge& edge : plan_.edges) {
      if (edge.to != at || edge.input != input) continue;
      add_time_and_key(output_of(edge), names);
      names.insert(edge.hash_columns.begin(), edge.hash_columns.end());
    }
    add_time_and_key(schema, names);
    keep_one(schema, names);
    note_unread(plan_.stages[at], input, names);
    schema = keep(schema, names);
    for (PlannedEdge& edge : plan_.edges) {
      if (edge.to != at || edge.input != input) continue;
      edge.schema = keep(output_of(edge), names);
      wanted_[edge.from][edge.output].insert(names.begin(), names.end());
    }
  }

  static void note_unread(PlannedStage& stage, std::size_t input, const Names& read) {
    const std::string prefix = stage.inputs.size() > 1 ? stage.inputs[input].name + "." : "";
    for (const Field& field : stage.inputs[input].schema.fields) {
      if (!read.contains(field.name)) stage.not_read.push_back(prefix + field.name);
    }
  }

  // Not yet pruned: producers are visited after their readers.
  const Schema& output_of(const PlannedEdge& edge) const { return plan_.stages[edge.from].outputs[edge.output].schema; }

  static Names needs_of(const PlannedStage& stage, std::size_t input, const std::vector<Names>& wanted) {
    const AnsweredInput& answered = stage.answer.inputs[input];
    Names names(answered.needs.begin(), answered.needs.end());
    names.insert(answered.columns.begin(), answered.columns.end());
    for (std::size_t o = 0; o < stage.answer.outputs.size(); ++o) {
      const AnsweredOutput& output = stage.answer.outputs[o];
      for (std::size_t f = 0; f < output.lineage.size(); ++f) {
        if (!wanted[o].contains(output.schema.fields[f].name)) continue;
        for (const InputColumn& ref : output.lineage[f]) {
          if (ref.input == input) names.insert(ref.column);
        }
      }
    }
    return names;
  }

  JobPlan& plan_;
  std::vector<std::vector<Names>> wanted_;  // stage, output
};

}  // namespace

void plan_columns(JobPlan& plan) { ColumnPass(plan).run(); }

void plan_filters(JobPlan& plan) {
  for (PlannedEdge& edge : plan.edges) {
    const auto& filter = plan.stages[edge.to].answer.pushed_filter;
    const bool errors = plan.stages[edge.from].outputs[edge.output].name == "errors";
    if (filter && !errors) edge.filter = *filter;
  }
}

}  // namespace stream
