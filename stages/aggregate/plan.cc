#include "stages/aggregate/design.h"
#include "stages/aggregate/early.h"
#include "stages/aggregate/fired_groups.h"
#include "stages/aggregate/make.h"

namespace stream {
namespace {

void add_field(OutputPlan& output, Field field, const Schema& input, std::span<const std::size_t> lineage) {
  output.schema.fields.push_back(std::move(field));
  std::vector<ColumnRef>& refs = output.lineage.emplace_back();
  for (const std::size_t column : lineage) refs.push_back({0, input.fields[column].name});
}

void add_window(OutputPlan& output, const AggregateDesign& design, const Schema& input) {
  Schema& schema = output.schema;
  const std::size_t start = schema.fields.size();
  const std::span<const std::size_t> lineage{&design.time, design.processing ? 0U : 1U};
  schema.key.push_back(start);
  add_field(output, {"window_start", kTimestamp}, input, lineage);
  // Cumulating windows start together.
  if (design.window->kind == WindowSpec::Kind::kCumulate) schema.key.push_back(start + 1);
  add_field(output, {"window_end", kTimestamp}, input, lineage);
  // A session may have started at any time, but its end is still to come.
  if (!design.processing) schema.time = design.sessions() ? start + 1 : start;
}

OutputPlan main_output(const AggregateDesign& design, const Schema& input) {
  OutputPlan output{"out", {}, {}};
  for (const std::size_t column : design.by) {
    output.schema.key.push_back(output.schema.fields.size());
    add_field(output, input.fields[column], input, {&column, 1});
  }
  if (design.counted()) output.schema.key.clear();  // a group has a row for each of its windows
  if (design.windowed()) add_window(output, design, input);
  for (const AggregateOutput& computed : design.aggregation.outputs) {
    if (output.schema.find(computed.name)) continue;  // a key, written once more
    add_field(output, {computed.name, computed.expression.type()}, input, computed.lineage);
  }
  const bool changes = design.windowed() ? design.lateness > 0 || design.early > 0 : design.updates;
  output.schema.changelog = changes ? Changelog::kUpdates : Changelog::kAppend;
  return output;
}

// All rows behind time, unchanged.
OutputPlan late_output(const Schema& input) {
  OutputPlan output{"late", input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

// The state needs these whatever is read of the results.
InputPlan input_plan(const AggregateDesign& design, const Schema& input) {
  InputPlan plan;
  std::vector<bool> needed(input.fields.size());
  for (const std::size_t column : design.by) needed[column] = true;
  if (design.windowed() && !design.processing) needed[design.time] = true;
  for (const AggregateCall& call : design.aggregation.calls) {
    for (const std::size_t column : call.columns()) needed[column] = true;
  }
  for (const CallState& state : design.calls) {
    const bool ordered = state.time != kNone || state.order == ValueOrder::kTime;
    if (ordered && !design.processing) needed[design.order] = true;
  }
  for (const AggregateOutput& output : design.aggregation.outputs) {
    for (const std::size_t column : output.lineage) needed[column] = true;
  }
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) plan.needs.push_back(input.fields[i].name);
  }
  plan.partition = design.by.empty() ? Partition::kSingle : Partition::kHash;
  for (const std::size_t column : design.by) plan.partition_columns.push_back(input.fields[column].name);
  return plan;
}

}  // namespace

Schema results_schema(const AggregateDesign& design, const Schema& input) { return main_output(design, input).schema; }

PlanAnswer plan_aggregate(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_aggregate(request.options, input, request.stage, request.supervised, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(main_output(*design, input));
  if (design->windowed()) answer.outputs.push_back(late_output(input));
  answer.inputs.push_back(input_plan(*design, input));
  answer.state.push_back(design->table);
  for (const TableSpec& spec : design->distinct) answer.state.push_back(spec);
  if (design->sliced()) answer.state.push_back(FiredGroups::spec(design->table));
  if (design->early > 0) answer.state.push_back(shown_spec(*design, answer.outputs[0].schema));
  if (design->by.empty()) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "without 'by' there is one group";
  }
  return answer;
}

}  // namespace stream
