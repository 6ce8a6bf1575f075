#include "stages/top-n/design.h"
#include "stages/top-n/top_n.h"

namespace stream {
namespace {

OutputPlan all_columns(const char* name, const Schema& input) {
  OutputPlan output{name, input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

OutputPlan main_output(const TopNDesign& design) {
  OutputPlan output = all_columns("out", design.input);
  output.schema.changelog = design.windows ? Changelog::kAppend : Changelog::kUpdates;
  // Rows come up late when others are taken back.
  if (!design.windows) output.schema.time.reset();
  // One row a group.
  if (design.limit == 1 && !design.by.empty()) output.schema.key = design.by;
  if (design.rank.empty()) return output;
  output.schema.key = design.by;
  output.schema.key.push_back(output.schema.fields.size());
  output.schema.fields.push_back({design.rank, kBigint});
  std::vector<ColumnRef>& refs = output.lineage.emplace_back();
  for (const OrderColumn& order : design.order) refs.push_back({0, design.input.fields[order.column].name});
  return output;
}

}  // namespace

PlanAnswer plan_top_n(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  const auto design = design_top_n(request.options, input, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(main_output(*design));
  if (design->windows) answer.outputs.push_back(all_columns("late", input));
  InputPlan plan;
  plan.needs = input.names();
  plan.partition = design->by.empty() ? Partition::kSingle : Partition::kHash;
  for (const std::size_t column : design->by) plan.partition_columns.push_back(input.fields[column].name);
  answer.inputs.push_back(std::move(plan));
  answer.state.push_back(design->table);
  if (design->ttl) answer.state.push_back(design->ages);
  if (design->by.empty()) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "without 'by' there is one group";
  }
  return answer;
}

}  // namespace stream
