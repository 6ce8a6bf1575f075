#include "stages/expression/bind.h"

#include <algorithm>

#include "stages/expression/decimal.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

using Kind = Ast::Kind;

[[noreturn]] void fail(std::size_t offset, std::string message, std::string hint = {}) {
  throw Failure{offset, std::move(message), std::move(hint)};
}

// did_you_mean() without its "; ".
std::string meant(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string text = did_you_mean(name, candidates);
  return text.empty() ? text : text.substr(2);
}

}  // namespace

NodePtr Binder::bind(const Ast& ast) { return any(ast).node; }

Bound Binder::any(const Ast& ast) {
  switch (ast.kind) {
    case Kind::kColumn: return column(ast);
    case Kind::kStar: fail(ast.offset, "* is not an expression", "it may stand alone in a select list");
    case Kind::kInteger: return integer(ast);
    case Kind::kNumber: return number(ast);
    case Kind::kText: return {make_text(ast.text), true, ast.offset, ast.text};
    case Kind::kBoolean: return {make_fixed<std::uint8_t>(kBoolean, ast.text == "true"), false, ast.offset};
    case Kind::kNull: return {make_null(kVarchar), true, ast.offset};
    case Kind::kSpecial: return special(ast);
    case Kind::kOperator: return operation(ast);
    case Kind::kCall: return call(ast);
    case Kind::kCast: return cast(ast);
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot: return junction(ast);
    case Kind::kCase: return case_of(ast);
    case Kind::kCoalesce:
    case Kind::kGreatest:
    case Kind::kLeast: return coalesce(ast);
    case Kind::kNullIf: return nullif(ast);
    case Kind::kIn: return in(ast);
    case Kind::kBetween: return between(ast);
    case Kind::kLike: return like(ast);
    case Kind::kSimilar: return similar(ast);
    case Kind::kDistinct: return distinct(ast);
    case Kind::kNullTest: return {make_null_test(any(ast.arguments[0]).node, ast.negated), false, ast.offset};
    case Kind::kBooleanTest: return boolean_test(ast);
    case Kind::kSlot: return slot(ast);
  }
  fail(ast.offset, "this form is not supported");
}

std::vector<Bound> Binder::all(std::span<const Ast> asts) {
  std::vector<Bound> bound;
  for (const Ast& ast : asts) bound.push_back(any(ast));
  return bound;
}

Bound Binder::boolean(const Ast& ast, const char* where) {
  Bound bound = any(ast);
  if (!bound.unknown && bound.type() != kBoolean) {
    fail(ast.offset, std::string(where) + " needs a BOOLEAN, not " + to_string(bound.type()),
         "compare it with something, as in x <> 0");
  }
  return {coerce(bound, kBoolean), false, ast.offset};
}

// --- names -------------------------------------------------------------------------------------

std::optional<std::size_t> Binder::find(const Name& name, std::size_t first, std::size_t count, std::size_t offset) {
  const std::vector<Field>& fields = scope_.schema->fields;
  std::vector<std::size_t> exact;
  std::vector<std::size_t> folded;
  const std::string wanted = lower(name.text);
  for (std::size_t i = first; i < first + count && i < fields.size(); ++i) {
    if (fields[i].name == name.text) exact.push_back(i);
    if (!name.quoted && lower(fields[i].name) == wanted) folded.push_back(i);
  }
  const std::vector<std::size_t>& found = exact.empty() ? folded : exact;
  if (found.empty()) return std::nullopt;
  if (found.size() == 1) return found[0];
  std::vector<std::string> ways;
  for (const std::size_t index : found) {
    std::string way = "\"" + fields[index].name + "\"";
    for (const InputColumns& input : scope_.inputs) {
      if (index >= input.first && index < input.first + input.count) way = input.alias + "." + fields[index].name;
    }
    ways.push_back(way);
  }
  fail(offset, "column '" + name.text + "' is ambiguous", "write " + join(ways, " or "));
}

std::optional<std::size_t> Binder::input_of(const Name& name) {
  for (std::size_t i = 0; i < scope_.inputs.size(); ++i) {
    if (scope_.inputs[i].alias == name.text) return i;
  }
  for (std::size_t i = 0; i < scope_.inputs.size(); ++i) {
    if (!name.quoted && lower(scope_.inputs[i].alias) == lower(name.text)) return i;
  }
  return std::nullopt;
}

void Binder::no_column(const Name& name, std::size_t offset, std::size_t first, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = first; i < first + count && i < scope_.schema->fields.size(); ++i) {
    names.push_back(scope_.schema->fields[i].name);
  }
  std::string hint = meant(name.text, names);
  for (const std::string& candidate : names) {
    if (name.quoted && lower(candidate) == lower(name.text))
      hint = "names in double quotes match exactly: \"" + candidate + "\"";
  }
  if (hint.empty() && name.quoted) hint = "a text is written in single quotes";
  fail(offset, "no column '" + name.text + "'", hint);
}

NodePtr Binder::reference(std::size_t index, std::size_t offset) {
  const Field& field = scope_.schema->fields[index];
  if (!scope_.aggregated) return make_column(field.type, index);
  const std::optional<std::size_t> position = scope_.positions[index];
  if (!position) {
    fail(offset, "column '" + field.name + "' is neither in 'by' nor inside an aggregate",
         "write it into 'by', or use min(" + field.name + ") or max(" + field.name + ")");
  }
  return make_column(field.type, *position);
}

std::optional<std::size_t> Binder::column_of(const Ast& ast) {
  if (ast.kind != Kind::kColumn && ast.kind != Kind::kSpecial) return std::nullopt;
  if (ast.names.size() == 1) return find(ast.names[0], 0, scope_.schema->fields.size(), ast.offset);
  if (ast.kind != Kind::kColumn || ast.names.size() != 2) return std::nullopt;
  const auto input = input_of(ast.names[0]);
  if (!input) return std::nullopt;
  return find(ast.names[1], scope_.inputs[*input].first, scope_.inputs[*input].count, ast.offset);
}

Bound Binder::column(const Ast& ast) {
  const std::span<const Name> names = ast.names;
  if (names.size() >= 2) {
    if (const auto input = input_of(names[0])) {
      const InputColumns& range = scope_.inputs[*input];
      const auto index = find(names[1], range.first, range.count, ast.offset);
      if (!index) no_column(names[1], ast.offset, range.first, range.count);
      return path(reference(*index, ast.offset), names.subspan(2), ast.offset);
    }
  }
  const auto index = find(names[0], 0, scope_.schema->fields.size(), ast.offset);
  if (!index) no_column(names[0], ast.offset, 0, scope_.schema->fields.size());
  return path(reference(*index, ast.offset), names.subspan(1), ast.offset);
}

// a.b.c of a JSON column: a -> 'b' ->> 'c'.
Bound Binder::path(NodePtr node, std::span<const Name> names, std::size_t offset) {
  Bound bound{std::move(node), false, offset};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (bound.type() != kJson) {
      fail(offset,
           "'." + names[i].text + "' needs an input or a JSON column before it, not " + to_string(bound.type()));
    }
    Bound key{make_text(names[i].text), false, offset};
    bound = binary(i + 1 == names.size() ? "->>" : "->", std::move(bound), std::move(key), offset);
  }
  return bound;
}

Bound Binder::special(const Ast& ast) {
  if (!ast.names.empty()) {
    if (const auto index = find(ast.names[0], 0, scope_.schema->fields.size(), ast.offset)) {
      return {reference(*index, ast.offset), false, ast.offset};
    }
  }
  bool exists = false;
  const std::string_view name = ast.text;
  const bool date = name == "SVFOP_CURRENT_DATE";
  if (!date && !name.starts_with("SVFOP_CURRENT_TIMESTAMP") && !name.starts_with("SVFOP_LOCALTIMESTAMP")) {
    if (!ast.names.empty()) no_column(ast.names[0], ast.offset, 0, scope_.schema->fields.size());
    fail(ast.offset, "this value is not known here");
  }
  Bound now = apply(*choose("now", {}, exists), {}, ast.offset);
  if (date) now.node = make_cast(now.node, kDate);
  return now;
}

Bound Binder::slot(const Ast& ast) {
  return {make_column(scope_.slots[ast.index], scope_.first_slot + ast.index), false, ast.offset};
}

// --- literals ----------------------------------------------------------------------------------

Bound Binder::integer(const Ast& ast) {
  const auto value = parse_integer(ast.text);
  if (value.ok()) return {make_fixed<std::int64_t>(kBigint, *value), false, ast.offset};
  return number(ast);
}

Bound Binder::number(const Ast& ast) {
  Type type = kDouble;
  NodePtr text = make_text(ast.text);
  if (!natural_decimal(ast.text, type)) type = kDouble;  // more than 38 digits
  NodePtr node = make_cast(text, type);
  if (node->literal() == nullptr) fail(ast.offset, "number out of range");
  return {std::move(node), false, ast.offset};
}

// --- logic -------------------------------------------------------------------------------------

Bound Binder::junction(const Ast& ast) {
  const char* where = ast.kind == Kind::kAnd ? "AND" : ast.kind == Kind::kOr ? "OR" : "NOT";
  std::vector<NodePtr> nodes;
  for (const Ast& argument : ast.arguments) nodes.push_back(boolean(argument, where).node);
  if (ast.kind == Kind::kNot) return {make_not(nodes[0]), false, ast.offset};
  return {ast.kind == Kind::kAnd ? make_and(std::move(nodes)) : make_or(std::move(nodes)), false, ast.offset};
}

Bound Binder::boolean_test(const Ast& ast) {
  const Truth truth = ast.text == "TRUE" ? Truth::kTrue : ast.text == "FALSE" ? Truth::kFalse : Truth::kUnknown;
  return {make_boolean_test(boolean(ast.arguments[0], "IS").node, truth, ast.negated), false, ast.offset};
}

Bound Binder::distinct(const Ast& ast) {
  Bound a = any(ast.arguments[0]);
  Bound b = any(ast.arguments[1]);
  unify(a, b, ast.offset, "IS DISTINCT FROM");
  return {make_distinct(a.node, b.node, ast.negated), false, ast.offset};
}

Bound Binder::in(const Ast& ast) {
  std::vector<Bound> values = all(ast.arguments);
  const Type type = common_type(values, "IN");
  if (type == kJson)
    fail(ast.offset, "operator does not exist: JSON = JSON",
         "take a field as text: column ->> 'field'; or declare the column's type in a schema");
  std::vector<NodePtr> nodes;
  for (const Bound& value : values) nodes.push_back(coerce(value, type));
  NodePtr first = nodes[0];
  nodes.erase(nodes.begin());
  return {make_in(std::move(first), std::move(nodes), ast.negated), false, ast.offset};
}

Bound Binder::between(const Ast& ast) {
  const auto within = [&](const Bound& value, const Bound& low, const Bound& high) {
    const Comparison from = ast.negated ? Comparison::kLess : Comparison::kGreaterEqual;
    const Comparison to = ast.negated ? Comparison::kGreater : Comparison::kLessEqual;
    std::vector<NodePtr> tests = {compare(from, value, low, ast.offset, ast.negated ? "<" : ">=").node,
                                  compare(to, value, high, ast.offset, ast.negated ? ">" : "<=").node};
    return ast.negated ? make_or(std::move(tests)) : make_and(std::move(tests));
  };
  const std::vector<Bound> values = all(ast.arguments);
  if (values.size() != 3) fail(ast.offset, "BETWEEN needs two bounds");
  NodePtr node = within(values[0], values[1], values[2]);
  if (ast.flag) {
    NodePtr turned = within(values[0], values[2], values[1]);
    node = ast.negated ? make_and({node, turned}) : make_or({node, turned});
  }
  return {std::move(node), false, ast.offset};
}

Bound Binder::case_of(const Ast& ast) {
  std::vector<Bound> conditions;
  std::vector<Bound> results;
  std::optional<Bound> operand;
  std::size_t i = 0;
  std::shared_ptr<const SharedNode> shared;
  if (ast.flag) operand = any(ast.arguments[i++]);
  if (operand && operand->node->literal() == nullptr && !operand->node->column()) {
    operand->node = shared = std::make_shared<const SharedNode>(operand->node);
  }
  const std::size_t end = ast.arguments.size() - (ast.has_else ? 1 : 0);
  for (; i + 1 < end + 1 && i < end; i += 2) {
    const Ast& when = ast.arguments[i];
    conditions.push_back(operand ? compare(Comparison::kEqual, *operand, any(when), when.offset, "=")
                                 : boolean(when, "CASE"));
    results.push_back(any(ast.arguments[i + 1]));
  }
  results.push_back(ast.has_else ? any(ast.arguments.back()) : Bound{make_null(kVarchar), true, ast.offset});
  const Type type = common_type(results, "CASE");
  std::vector<NodePtr> nodes;
  for (std::size_t k = 0; k < conditions.size(); ++k) {
    nodes.push_back(conditions[k].node);
    nodes.push_back(coerce(results[k], type));
  }
  nodes.push_back(coerce(results.back(), type));
  return {make_case(type, std::move(nodes), std::move(shared)), false, ast.offset};
}

Bound Binder::coalesce(const Ast& ast) {
  const char* what = ast.kind == Kind::kCoalesce ? "COALESCE" : ast.kind == Kind::kLeast ? "LEAST" : "GREATEST";
  const std::vector<Bound> values = all(ast.arguments);
  const Type type = common_type(values, what);
  std::vector<NodePtr> nodes;
  for (const Bound& value : values) nodes.push_back(coerce(value, type));
  if (ast.kind == Kind::kCoalesce) return {make_coalesce(type, std::move(nodes)), false, ast.offset};
  if (type == kJson)
    fail(ast.offset, std::string(what) + " cannot order JSON",
         "take a field as text: column ->> 'field'; or declare the column's type in a schema");
  return {make_greatest(type, std::move(nodes), ast.kind == Kind::kLeast), false, ast.offset};
}

Bound Binder::nullif(const Ast& ast) {
  Bound a = any(ast.arguments[0]);
  Bound b = any(ast.arguments[1]);
  const Bound equal = compare(Comparison::kEqual, a, b, ast.offset, "=");
  if (a.unknown && !b.unknown) a = {coerce(a, b.type()), false, a.offset};
  return {make_nullif(a.node, equal.node), false, ast.offset};
}

}  // namespace stream::expression
