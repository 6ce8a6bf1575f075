#include <algorithm>

#include "stages/join/design.h"
#include "stages/join/join.h"

namespace stream {
namespace {

OutputPlan main_output(const JoinDesign& design) {
  OutputPlan output{"out", {}, {}};
  const std::size_t left = design.first(1);
  for (const SelectedColumn& column : design.columns) {
    output.schema.fields.push_back({column.name, column.expression.type()});
    std::vector<ColumnRef>& refs = output.lineage.emplace_back();
    for (const std::size_t used : column.lineage) {
      refs.push_back({used < left ? std::size_t{0} : std::size_t{1}, design.joint.fields[used].name});
    }
  }
  output.schema.time = design.time;
  output.schema.key = design.key;
  output.schema.changelog = design.updates ? Changelog::kUpdates : Changelog::kAppend;
  return output;
}

// All rows of one input behind time, unchanged.
OutputPlan late_output(const char* name, std::size_t input, const Schema& schema) {
  OutputPlan output{name, schema, {}};
  for (const Field& field : schema.fields) output.lineage.push_back({{input, field.name}});
  return output;
}

// The state holds what the condition and the list name, whatever is read of the results: what changes
// behind a join never changes its state.
InputPlan input_plan(const JoinSide& side) {
  InputPlan plan;
  plan.needs = side.schema.names();
  plan.partition = Partition::kHash;
  for (const std::size_t column : side.on) plan.partition_columns.push_back(side.schema.fields[column].name);
  return plan;
}

std::string kept_for_ever(const JoinDesign& design) {
  std::string names;
  for (const JoinSide& side : design.sides) {
    if (!side.kept) names += (names.empty() ? "'" : " and '") + side.name + "'";
  }
  if (names.empty()) return {};
  return "all rows of " + names + " are kept for ever; bound the difference of their times in 'on', or give a 'ttl'";
}

}  // namespace

PlanAnswer plan_join(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  PlanError error;
  const auto design = design_join(request.options, request.inputs, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(main_output(*design));
  answer.outputs.push_back(late_output("late-left", 0, request.inputs[0].schema));
  answer.outputs.push_back(late_output("late-right", 1, request.inputs[1].schema));
  for (const JoinSide& side : design->sides) {
    answer.inputs.push_back(input_plan(side));
    answer.state.push_back(side.table);
  }
  const std::string warning = kept_for_ever(*design);
  if (!warning.empty()) answer.warnings.push_back(warning);
  return answer;
}

}  // namespace stream
