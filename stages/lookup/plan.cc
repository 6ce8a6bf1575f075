#include <algorithm>

#include "stages/lookup/lookup.h"

namespace stream {
namespace {

std::optional<std::size_t> copy_of(const LookupDesign& design, std::size_t column) {
  const auto at =
      std::ranges::find_if(design.columns, [&](const auto& each) { return each.expression.as_column() == column; });
  if (at == design.columns.end()) return std::nullopt;
  return static_cast<std::size_t>(at - design.columns.begin());
}

OutputPlan output_plan(const LookupDesign& design, const Schema& input) {
  OutputPlan output{"out", {}, {}};
  for (const SelectedColumn& column : design.columns) {
    output.schema.fields.push_back({column.name, column.expression.type()});
    std::vector<ColumnRef>& refs = output.lineage.emplace_back();
    for (const std::size_t used : column.lineage) {
      if (used < design.input_columns) refs.push_back({0, input.fields[used].name});
    }
  }
  if (input.time) output.schema.time = copy_of(design, *input.time);
  output.schema.changelog = input.changelog;
  if (!design.version) return output;  // a key of the reference may have several rows
  for (const std::size_t key : input.key) {
    const auto at = copy_of(design, key);
    if (!at) {
      output.schema.key.clear();
      break;
    }
    output.schema.key.push_back(*at);
  }
  return output;
}

InputPlan input_plan(const LookupDesign& design, const Schema& input) {
  InputPlan plan;
  std::vector<bool> needed(design.joint.fields.size(), counts_columns(design.columns));
  for (const EqualExpression& equal : design.condition.equal) {
    for (const std::size_t column : equal.input.columns()) needed[column] = true;
  }
  if (design.condition.rest) {
    for (const std::size_t column : design.condition.rest->columns()) needed[column] = true;
  }
  if (design.event_time) needed[*design.event_time] = true;
  for (std::size_t column = 0; column < design.input_columns; ++column) {
    if (needed[column]) plan.needs.push_back(input.fields[column].name);
  }
  return plan;
}

void check_reading(const Values& options, const Reference& reference, std::vector<PlanError>& errors) {
  const auto wrong = [&](const char* option, std::string message, std::string hint) {
    errors.push_back({option, 0, std::move(message), std::move(hint)});
  };
  const bool cached = options.has("cache");
  if (cached && reference.kind == ReferenceKind::kFile) {
    wrong("cache", "rows of a file cannot be asked for by key", "leave out 'cache': the whole file is read");
  } else if (cached && options.integer("cache") < 1) {
    wrong("cache", "must be at least 1", "");
  } else if (cached && options.has("refresh")) {
    wrong("refresh", "with 'cache' there is no whole table to read again", "say how long a row is kept: expire");
  } else if (!cached && options.has("expire")) {
    wrong("expire", "without 'cache' the whole table is kept", "say how often it is looked at again: refresh");
  } else if (options.has("refresh") && options.duration("refresh") <= 0) {
    wrong("refresh", "must be more than no time", "");
  } else if (options.has("expire") && options.duration("expire") <= 0) {
    wrong("expire", "must be more than no time", "");
  }
  for (const char* option : {"refresh", "expire"}) {
    if (options.flag("static") && options.has(option)) {
      wrong("static", "what never changes needs no '" + std::string(option) + "'", "leave out one of them");
    }
  }
}

// Sooner or later a −U would find another partner than its +U did.
void check_changes(const PlanRequest& request, std::vector<PlanError>& errors) {
  if (request.inputs[0].schema.changelog == Changelog::kAppend || request.options.flag("static")) return;
  errors.push_back({"", 0, "the input's rows may be taken back, and by then the reference may have changed",
                    "look up before the stage that makes changes, or say that the reference never changes: static"});
}

std::string replayed(const Values& options) {
  if (options.flag("static")) return {};
  return "rows that are processed again after a crash are looked up in the reference as it is then";
}

std::optional<Schema> columns_of(const Reference& reference, PlanAnswer& answer) {
  std::string option;
  auto columns = find_reference_schema(reference, &option);
  if (columns.ok()) {
    std::erase_if(columns->fields, [](const Field& field) { return field.name.empty(); });  // no way to write it
    if (reference.schema.empty()) answer.fixed["reference-schema"] = to_string(*columns);
    return *std::move(columns);
  }
  const bool away = columns.status().code() == Code::kSystem || columns.status().code() == Code::kNotFound;
  answer.errors.push_back({std::move(option), 0, columns.status().what(),
                           away ? "if it comes later, say what its columns are: reference-schema" : ""});
  return std::nullopt;
}

}  // namespace

PlanAnswer plan_lookup(const PlanRequest& request) {
  PlanAnswer answer;
  const Reference reference = reference_of(request.options, request.folder, answer.errors);
  check_reading(request.options, reference, answer.errors);
  check_changes(request, answer.errors);
  if (!answer.errors.empty()) return answer;
  const std::optional<Schema> columns = columns_of(reference, answer);
  if (!columns) return answer;
  PlanError error;
  const auto design = design_lookup(request.options, request.inputs[0], reference, *columns, nullptr, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(output_plan(*design, request.inputs[0].schema));
  answer.inputs.push_back(input_plan(*design, request.inputs[0].schema));
  answer.replayed = replayed(request.options);
  return answer;
}

}  // namespace stream
