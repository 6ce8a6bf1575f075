#include "stages/filter/filter.h"

#include "stages/kit/row_kinds.h"
#include "stages/kit/row_text.h"

namespace stream {
PlanAnswer plan_filter(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  ExpressionError error;
  const auto where = Expression::compile(request.options.text("where"), schema, &error);
  if (!where) {
    answer.errors.push_back(plan_error("where", error));
    return answer;
  }
  if (where->type() != kBoolean) {
    answer.errors.push_back({"where", 0, "the condition is " + to_string(where->type()) + ", not BOOLEAN", ""});
    return answer;
  }
  OutputPlan output{"out", schema, {}};
  for (const Field& field : schema.fields) output.lineage.push_back({{0, field.name}});
  answer.outputs.push_back(std::move(output));
  InputPlan input;
  for (const std::size_t column : where->columns()) input.needs.push_back(schema.fields[column].name);
  answer.inputs.push_back(std::move(input));
  if (where->total() && where->deterministic() && schema.changelog == Changelog::kAppend) {
    answer.pushed_filter = where->text();
  }
  return answer;
}

Result<std::unique_ptr<Operator>> Filter::make(Context& context) {
  ExpressionError error;
  const auto where = Expression::compile(context.options.text("where"), *context.inputs[0], &error);
  if (!where) return usage_error("option 'where': " + error.message);
  return std::unique_ptr<Operator>(std::make_unique<Filter>(*where, context.outputs[0]));
}

Filter::Filter(Expression where, SchemaPtr output) : where_(std::move(where)), output_(std::move(output)) {}

Status Filter::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  rows_.clear();
  errors_.clear();
  where_.select(batch, &rows_, &errors_);
  Status reported = report_row_errors(batch, errors_, out);
  if (!reported.ok()) keep_rows_before(errors_, rows_);
  STREAM_TRY(emit_rows(batch, out));
  return reported;
}

Status Filter::emit_rows(const Batch& batch, Emitter& out) {
  if (rows_.empty() || !output_) return {};
  if (columns_.empty()) {
    for (const Field& field : output_->fields) columns_.push_back(*batch.schema->find(field.name));
  }
  const bool all = rows_.size() == batch.rows;
  Batch passed{output_, rows_.size(), {}, {}};
  passed.kinds = kinds_of_kept(batch, rows_);
  for (const std::size_t column : columns_) {
    passed.columns.push_back(all ? batch.columns[column] : batch.columns[column].take(rows_));
  }
  return out.emit(std::move(passed));
}

}  // namespace stream
