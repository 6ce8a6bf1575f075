#include "stages/aggregate/design.h"
#include "stages/aggregate/early.h"
#include "stages/aggregate/fired_groups.h"
#include "stages/aggregate/make.h"
#include "stages/aggregate/partial.h"

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
OutputPlan late_output(const Schema& input, std::size_t columns) {
  OutputPlan output{"late", input, {}};
  output.schema.fields.resize(columns);
  for (const Field& field : output.schema.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

// What is merged by another aggregate, and rows that it cannot add up as they were.
OutputPlan partial_output(const AggregateDesign& design, const Schema& input) {
  OutputPlan output{"out", partial_schema(partial_design(design, input), input), {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  output.lineage.resize(output.schema.fields.size());
  return output;
}

// The state needs these whatever is read of the results. `columns`: how many of the input are not of partial rows.
InputPlan input_plan(const AggregateDesign& design, const Schema& input, std::size_t columns) {
  InputPlan plan;
  std::vector<bool> needed(input.fields.size());
  for (const std::size_t column : design.by) needed[column] = true;
  if (design.windowed() && !design.processing) needed[design.time] = true;
  if (design.ttl && design.ttl->time) needed[*design.ttl->time] = true;
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
    if (needed[i] || i >= columns) plan.needs.push_back(input.fields[i].name);
  }
  plan.partition = design.by.empty() ? Partition::kSingle : Partition::kHash;
  for (const std::size_t column : design.by) plan.partition_columns.push_back(input.fields[column].name);
  return plan;
}

}  // namespace

Schema results_schema(const AggregateDesign& design, const Schema& input) { return main_output(design, input).schema; }

namespace {

// What rows of a hot key cost is taken from one instance by many in front of it. Unless told to, only where there are
// sure to be few groups, and the result is the same to the last digit.
std::optional<PlanCombining> plan_combining(const Values& options, const AggregateDesign& design, const Schema& input) {
  const bool asked = options.text("combine") == "always";
  if (options.has("phase") || options.text("combine") == "never" || !why_not_combined(design, input).empty())
    return std::nullopt;
  if (!asked && (!design.by.empty() || depends_on_order(design))) return std::nullopt;
  return PlanCombining{{{"phase", "partial"}}, {{"phase", "final"}}, {"late"}, asked};
}

// Whether rows may come to it, or leave it, as partial rows.
bool check_combining(const Values& options, const AggregateDesign& design, const Schema& input, PlanError* error) {
  const bool phase = options.has("phase");
  if (!phase && options.text("combine") != "always") return true;
  std::string why;
  if (options.text("phase") != "final") {
    why = why_not_combined(design, input);
  } else if (const auto rows = PartialRows::make(design, input); !rows.ok()) {
    why = rows.status().what();
  }
  if (why.empty()) return true;
  *error = {phase ? "phase" : "combine", 0, (phase ? "" : "rows cannot be combined: ") + why,
            phase ? "" : "with auto they are where they can be"};
  return false;
}

PlanAnswer plan_partial(const AggregateDesign& design, const Schema& input) {
  PlanAnswer answer;
  answer.cacheable = true;
  answer.outputs.push_back(partial_output(design, input));
  answer.inputs.push_back(input_plan(design, input, input.fields.size()));
  answer.inputs[0].partition = Partition::kAny;
  answer.inputs[0].partition_columns.clear();
  return answer;
}

}  // namespace

PlanAnswer plan_aggregate(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_aggregate(request.options, input, request.stage, request.supervised, &error);
  if (!design || !check_combining(request.options, *design, input, &error)) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  if (request.options.text("phase") == "partial") return plan_partial(*design, input);
  const std::size_t columns = request.options.has("phase") ? whole_columns(input) : input.fields.size();
  answer.combining = plan_combining(request.options, *design, input);
  answer.outputs.push_back(main_output(*design, input));
  if (design->windowed()) answer.outputs.push_back(late_output(input, columns));
  answer.inputs.push_back(input_plan(*design, input, columns));
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
