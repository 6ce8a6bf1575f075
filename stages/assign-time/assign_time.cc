#include "stages/assign-time/assign_time.h"

#include <algorithm>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

std::nullopt_t fail(PlanError* error, std::string option, std::string message, std::string hint) {
  *error = {std::move(option), 0, std::move(message), std::move(hint)};
  return std::nullopt;
}

OutputPlan main_output(const AssignTimeDesign& design, const Schema& input) {
  OutputPlan output{"out", input, {}};
  Schema& schema = output.schema;
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  if (design.replaced) {
    Field& field = schema.fields[*design.replaced];
    // Other values may become one time.
    if (field.type != kTimestamp && std::ranges::find(schema.key, *design.replaced) != schema.key.end())
      schema.key.clear();
    field.type = kTimestamp;
    schema.time = design.replaced;
    return output;
  }
  schema.time = schema.fields.size();
  schema.fields.push_back({design.name, kTimestamp});
  std::vector<ColumnRef>& refs = output.lineage.emplace_back();
  for (const std::size_t column : design.from.columns()) refs.push_back({0, input.fields[column].name});
  return output;
}

}  // namespace

std::optional<AssignTimeDesign> design_assign_time(const Values& options, const Schema& input, PlanError* error) {
  const std::string& text = options.text("time");
  ExpressionError wrong;
  const auto from = Expression::compile(text, input, &wrong);
  if (!from) {
    *error = plan_error("time", wrong);
    return std::nullopt;
  }
  auto values = TimeValues::make(options, from->type(), error);
  if (!values) return std::nullopt;
  AssignTimeDesign design{*from, *std::move(values), options.text("as"), std::nullopt};
  if (!design.name.empty()) {
    if (!input.find(design.name)) return design;
    return fail(error, "as", "there is a column '" + design.name + "' already", "choose another name");
  }
  design.replaced = from->as_column();
  if (!design.replaced) {
    return fail(error, "as", "the event time '" + text + "' has no name", "as in as: event_time");
  }
  design.name = input.fields[*design.replaced].name;
  return design;
}

PlanAnswer plan_assign_time(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_assign_time(request.options, input, &error);
  if (design && input.changelog == Changelog::kUpdates) {
    error = {"", 0, "the input's rows may be taken back, however old they are, and what takes one back would be late",
             "assign event time before the rows are changed"};
  }
  if (!error.message.empty()) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(main_output(*design, input));
  InputPlan plan;
  for (const std::size_t column : design->from.columns()) plan.needs.push_back(input.fields[column].name);
  answer.inputs.push_back(std::move(plan));
  return answer;
}

Result<std::unique_ptr<Operator>> AssignTime::make(Context& context) {
  PlanError error;
  auto design = design_assign_time(context.options, *context.inputs[0], &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  return std::unique_ptr<Operator>(std::make_unique<AssignTime>(*std::move(design), context.outputs[0]));
}

AssignTime::AssignTime(AssignTimeDesign design, SchemaPtr output)
    : design_(std::move(design)), output_(std::move(output)) {}

Batch AssignTime::timed(const Batch& batch, const Column& times) const {
  Batch out{output_, batch.rows, {}, {}};
  for (const Field& field : output_->fields) {
    out.columns.push_back(field.name == design_.name ? times : batch.columns[*batch.schema->find(field.name)]);
  }
  return out;
}

Status AssignTime::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  errors_.clear();
  const Column values = design_.from.evaluate(batch, &errors_);
  const Column times = design_.values.convert(values, &errors_);
  // Of a row whose expression failed that is said, not that the time is NULL.
  merge_row_errors(errors_);
  Status reported = report_row_errors(batch, errors_, out);
  if (!output_) return reported;
  const Batch made = timed(batch, times);
  if (errors_.empty()) return out.emit(made);
  std::vector<std::uint32_t> good = rows_without(errors_, batch.rows);
  if (!reported.ok()) keep_rows_before(errors_, good);
  if (!good.empty()) STREAM_TRY(out.emit(made.take(good)));
  return reported;
}

}  // namespace stream
