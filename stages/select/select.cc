#include "stages/select/select.h"

#include <algorithm>

#include "stages/kit/row_kinds.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

std::vector<SelectText> texts(const Values& options) {
  std::vector<SelectText> out;
  for (const SelectItem& item : options.select("columns")) out.push_back({item.name, item.text});
  return out;
}

// Where the output has this very column.
std::optional<std::size_t> copy_of(std::size_t column, const std::vector<SelectedColumn>& columns) {
  const auto at = std::ranges::find_if(columns, [&](const auto& c) { return c.expression.as_column() == column; });
  if (at == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(at - columns.begin());
}

Schema output_schema(const Schema& input, const std::vector<SelectedColumn>& columns) {
  Schema output;
  for (const SelectedColumn& column : columns) output.fields.push_back({column.name, column.expression.type()});
  if (input.time) output.time = copy_of(*input.time, columns);
  for (const std::size_t key : input.key) {
    const auto at = copy_of(key, columns);
    if (!at) {
      output.key.clear();
      break;
    }
    output.key.push_back(*at);
  }
  output.changelog = input.changelog;
  return output;
}

}  // namespace

PlanAnswer plan_select(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  const auto items = texts(request.options);
  SelectError error;
  const auto columns = compile_select(items, schema, &error);
  if (!columns) {
    answer.errors.push_back(plan_error("columns", error.error));
    return answer;
  }
  InputPlan input;
  // Where a column may fail, an update-after may be left out whose row must go all the same.
  const auto total = [](const SelectedColumn& column) { return column.expression.total(); };
  if (std::ranges::all_of(*columns, total)) input.update_before = UpdateBefore::kPassed;
  for (const SelectedColumn& column : *columns) {
    if (column.expression.deterministic() || schema.changelog == Changelog::kAppend) continue;
    answer.errors.push_back(
        {"columns", 0, "'" + column.name + "' is another value each time, but its rows may be taken back", ""});
  }
  if (counts_columns(*columns)) input.needs = schema.names();
  OutputPlan output{"out", output_schema(schema, *columns), {}};
  for (const SelectedColumn& column : *columns) {
    std::vector<ColumnRef>& refs = output.lineage.emplace_back();
    for (const std::size_t used : column.lineage) refs.push_back({0, schema.fields[used].name});
  }
  answer.outputs.push_back(std::move(output));
  answer.inputs.push_back(std::move(input));
  return answer;
}

Result<std::unique_ptr<Operator>> Select::make(Context& context) {
  std::vector<Expression> columns;
  if (context.outputs[0]) {
    const std::vector<std::string> wanted = context.outputs[0]->names();
    const auto items = texts(context.options);
    SelectError error;
    const auto compiled = compile_wanted(items, *context.inputs[0], wanted, &error);
    if (!compiled) return usage_error("option 'columns': " + error.error.message);
    for (const std::string& name : wanted) {
      const auto at = std::ranges::find(*compiled, name, &SelectedColumn::name);
      if (at == compiled->end()) return usage_error("option 'columns': nothing is called '" + name + "'");
      columns.push_back(at->expression);
    }
  }
  return std::unique_ptr<Operator>(std::make_unique<Select>(std::move(columns), context.outputs[0]));
}

Select::Select(std::vector<Expression> columns, SchemaPtr output)
    : columns_(std::move(columns)), output_(std::move(output)) {}

Status Select::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (!output_) return {};
  errors_.clear();
  Batch computed{output_, batch.rows, {}, batch.kinds};
  computed.columns.reserve(columns_.size());
  for (const Expression& column : columns_) computed.columns.push_back(column.evaluate(batch, &errors_));
  if (errors_.empty()) return out.emit(std::move(computed));
  merge_row_errors(errors_);
  Status reported = report_row_errors(batch, errors_, out);
  std::vector<std::uint32_t> good = rows_without(errors_, batch.rows);
  if (!reported.ok()) keep_rows_before(errors_, good);
  if (good.empty()) return reported;
  Batch kept = computed.take(good);
  kept.kinds = kinds_of_kept(batch, good);
  STREAM_TRY(out.emit(std::move(kept)));
  return reported;
}

}  // namespace stream
