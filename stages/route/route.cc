#include "stages/route/route.h"

#include <algorithm>
#include <set>

#include "stages/expression/select_list.h"
#include "stages/kit/kept_rows.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct Routes {
  std::vector<std::string> names;
  std::vector<Expression> conditions;
};

bool valid_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 32 && name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, plain);
}

PlanError wrong(std::string message, std::string hint) { return {"routes", 0, std::move(message), std::move(hint)}; }

std::optional<PlanError> check_name(const std::string& name, const std::set<std::string>& taken) {
  if (name.empty()) return wrong("a condition has no name", "as in routes: {big: paid > 100, rest: else}");
  if (!valid_name(name)) {
    return wrong("'" + name + "' is no name for an output",
                 "lower-case letters, digits and -, beginning with a letter");
  }
  if (taken.contains(name)) return wrong("there is an output '" + name + "' already", "choose another name");
  return std::nullopt;
}

std::optional<Routes> read_routes(const Values& options, const Schema& schema, PlanError* error) {
  std::vector<SelectText> texts;
  // What no condition before it holds for.
  for (const SelectItem& item : options.select("routes")) {
    texts.push_back({item.name, lower(trim(item.text)) == "else" ? "true" : item.text});
  }
  SelectError failure;
  const auto items = split_select(texts, &failure);
  if (!items) {
    *error = plan_error("routes", failure.error);
    return std::nullopt;
  }
  Routes routes;
  std::set<std::string> taken = {"out", "errors"};
  for (const SelectText& item : *items) {
    if (const auto bad = check_name(item.name, taken)) {
      *error = *bad;
      return std::nullopt;
    }
    taken.insert(item.name);
    ExpressionError wrong_condition;
    const auto condition = Expression::compile(item.text, schema, &wrong_condition);
    if (!condition) {
      *error = plan_error("routes", wrong_condition);
      error->message = "'" + item.name + "': " + error->message;
      return std::nullopt;
    }
    if (condition->type() != kBoolean) {
      *error = wrong("'" + item.name + "': the condition is " + to_string(condition->type()) + ", not BOOLEAN", "");
      return std::nullopt;
    }
    routes.names.push_back(item.name);
    routes.conditions.push_back(*condition);
  }
  return routes;
}

OutputPlan everything(std::string name, const Schema& schema) {
  OutputPlan output{std::move(name), schema, {}};
  for (const Field& field : schema.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

}  // namespace

PlanAnswer plan_route(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  PlanError error;
  const auto routes = read_routes(request.options, schema, &error);
  if (!routes) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  InputPlan input;
  answer.outputs.push_back(everything("out", schema));
  for (std::size_t i = 0; i < routes->names.size(); ++i) {
    answer.outputs.push_back(everything(routes->names[i], schema));
    for (const std::size_t column : routes->conditions[i].columns()) input.needs.push_back(schema.fields[column].name);
  }
  answer.inputs.push_back(std::move(input));
  return answer;
}

Result<std::unique_ptr<Operator>> Route::make(Context& context) {
  PlanError error;
  auto routes = read_routes(context.options, *context.inputs[0], &error);
  if (!routes) return usage_error("option 'routes': " + error.message);
  std::vector<SchemaPtr> outputs = context.outputs;
  outputs.resize(routes->conditions.size() + 1);
  return std::unique_ptr<Operator>(std::make_unique<Route>(std::move(routes->conditions), std::move(outputs)));
}

Route::Route(std::vector<Expression> conditions, std::vector<SchemaPtr> outputs)
    : conditions_(std::move(conditions)), outputs_(std::move(outputs)), rows_(outputs_.size()) {}

Status Route::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  gone_.assign(batch.rows, 0);
  for (std::size_t i = 0; i < conditions_.size(); ++i) STREAM_TRY(choose(batch, i, out));
  rows_[0].clear();
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (gone_[row] == 0) rows_[0].push_back(row);
  }
  for (std::size_t output = 0; output < outputs_.size(); ++output) STREAM_TRY(send(batch, output, out));
  return {};
}

// A condition that fails for a row that has its output already does not matter.
Status Route::choose(const Batch& batch, std::size_t condition, Emitter& out) {
  std::vector<std::uint32_t>& rows = rows_[condition + 1];
  std::vector<RowError> errors;
  conditions_[condition].select(batch, &rows, &errors);
  std::erase_if(rows, [&](std::uint32_t row) { return gone_[row] != 0; });
  std::erase_if(errors, [&](const RowError& error) { return gone_[error.row] != 0; });
  for (const std::uint32_t row : rows) gone_[row] = 1;
  for (const RowError& error : errors) gone_[error.row] = 1;
  return report_row_errors(batch, errors, out);
}

Status Route::send(const Batch& batch, std::size_t output, Emitter& out) {
  return emit_kept_rows(batch, rows_[output], outputs_[output], out, output);
}

}  // namespace stream
