#include "supervisor/flink/expression.h"

#include <algorithm>
#include <array>

#include "supervisor/flink/functions.h"
#include "supervisor/flink/words.h"

namespace stream::flink {

using expression::Ast;
using expression::Binder;
using expression::Failure;
using expression::NodePtr;
using Kind = Ast::Kind;

void refuse(const Ast& ast, std::string message, std::string hint) {
  throw Failure{ast.offset, std::move(message), std::move(hint)};
}

namespace {

bool undecided(const Ast& ast) { return ast.kind == Kind::kText || ast.kind == Kind::kNull; }

bool numeric(Type type) {
  return type.kind == TypeKind::kBigint || type.kind == TypeKind::kDouble || type.kind == TypeKind::kDecimal;
}

std::vector<const Ast*> pointers(const std::vector<Ast>& asts) {
  std::vector<const Ast*> out;
  for (const Ast& ast : asts) out.push_back(&ast);
  return out;
}

void require_type(const Ast& ast, Type type) {
  if (!type_text(type)) refuse(ast, "Flink has no counterpart of values of type " + to_string(type));
}

}  // namespace

Type ExpressionWriter::type_of(const Ast& ast) { return Binder(scope_).bind(ast)->type(); }

NodePtr ExpressionWriter::constant(const Ast& ast) {
  NodePtr node = Binder(scope_).bind(ast);
  return node->literal() == nullptr ? nullptr : node;
}

Sql ExpressionWriter::write(const Ast& ast) {
  if (const NodePtr node = constant(ast)) {
    const auto text = value_text(node->literal()->column);
    if (!text) refuse(ast, "Flink has no counterpart of this constant of type " + to_string(node->type()));
    const bool number = numeric(node->type()) && text->starts_with("-");
    return {*text, number ? Sql::kAdd : Sql::kPrimary, node->type() == kBigint && text->size() < 10};
  }
  switch (ast.kind) {
    case Kind::kColumn: return column(ast);
    case Kind::kSpecial: return special(ast);
    case Kind::kOperator: return operation(ast);
    case Kind::kCall: return write_call(ast, *this);
    case Kind::kCast: return cast(ast);
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot: return junction(ast);
    case Kind::kCase: return case_of(ast);
    case Kind::kCoalesce: return list(ast, "COALESCE");
    case Kind::kNullIf: return list(ast, "NULLIF");
    case Kind::kGreatest:
    case Kind::kLeast:
      refuse(ast, "Flink's GREATEST and LEAST give NULL where one of the values is", "write it as a case");
    case Kind::kIn: return in(ast);
    case Kind::kBetween: return between(ast);
    case Kind::kLike: return like(ast);
    case Kind::kSimilar: refuse(ast, "SIMILAR TO has no exact counterpart in Flink", "use like or ~");
    case Kind::kDistinct: return distinct(ast);
    case Kind::kNullTest:
      return {inside(write(ast.arguments[0]), Sql::kAdd) + (ast.negated ? " IS NOT NULL" : " IS NULL"), Sql::kCompare};
    case Kind::kBooleanTest:
      return {inside(write_as(ast.arguments[0], kBoolean), Sql::kAdd) + (ast.negated ? " IS NOT " : " IS ") + ast.text,
              Sql::kCompare};
    case Kind::kSlot: return {slots_[ast.index]};
    default: refuse(ast, "this form has no counterpart in Flink");
  }
}

Sql ExpressionWriter::write_as(const Ast& ast, Type type) {
  if (!undecided(ast) || type == kVarchar) return write(ast);
  Ast cast;
  cast.kind = Kind::kCast;
  cast.offset = ast.offset;
  cast.index = ast.offset;
  cast.text = to_string(type);
  cast.arguments.push_back(ast);
  return write(cast);
}

std::string ExpressionWriter::exact(const Ast& ast) {
  const Sql sql = write(ast);
  if (Binder(scope_).column_of(ast)) return sql.text;
  const Type type = type_of(ast);
  require_type(ast, type);
  const bool made = type.kind == TypeKind::kDecimal || type.kind == TypeKind::kTimestamp;
  const bool literal = ast.kind == Kind::kText;  // has the type CHAR(n) there
  const std::string cast = "CAST(" + sql.text + " AS " + *type_text(type) + ")";
  if (sql.text.starts_with("CAST(NULL")) return sql.text;
  if (sql.narrow || literal) return cast;
  return made && !sql.text.ends_with(" AS " + *type_text(type) + ")") ? cast : sql.text;
}

Sql ExpressionWriter::column(const Ast& ast) {
  const auto index = Binder(scope_).column_of(ast);
  if (!index) refuse(ast, "a field of a JSON column has no exact counterpart in Flink", "let the source give a column");
  return {columns_[*index]};
}

Sql ExpressionWriter::special(const Ast& ast) {
  if (const auto index = Binder(scope_).column_of(ast)) return {columns_[*index]};
  const Type type = type_of(ast);
  if (type == kTimestamp) return {"CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(6))"};
  if (type == kDate) return {"CURRENT_DATE"};
  refuse(ast, "'" + ast.names[0].text + "' has no counterpart in Flink");
}

// --- operators -----------------------------------------------------------------------------------

Sql ExpressionWriter::operation(const Ast& ast) {
  static constexpr std::array<std::string_view, 7> kComparisons = {"=", "<>", "!=", "<", "<=", ">", ">="};
  const std::string& op = ast.text;
  if (std::ranges::find(kComparisons, op) != kComparisons.end()) return comparison(ast, op == "!=" ? "<>" : op);
  if (op == "~" || op == "!~") return matches(ast);
  if (ast.arguments.size() == 1 && op == "-") {
    const Sql value = write(ast.arguments[0]);
    return {"-" + inside(value, Sql::kPrimary), Sql::kMultiply, value.narrow};
  }
  if (ast.arguments.size() == 1 && op == "+") return write(ast.arguments[0]);
  if (op == "||") {
    std::vector<std::string> texts;
    for (const Ast& argument : ast.arguments) {
      if (type_of(argument) != kVarchar) refuse(argument, "only texts can be joined with || in Flink", "cast it");
      texts.push_back(inside(write(argument), Sql::kPrimary));
    }
    return {texts[0] + " || " + texts[1], Sql::kAdd};
  }
  if (op == "+" || op == "-" || op == "*" || op == "/" || op == "%") return arithmetic(ast);
  if (op == "^") {
    return {"POWER(CAST(" + write(ast.arguments[0]).text + " AS DOUBLE), CAST(" + write(ast.arguments[1]).text +
            " AS DOUBLE))"};
  }
  if (op.starts_with("->") || op.starts_with("#>"))
    refuse(ast, "reaching into JSON with " + op + " has no exact counterpart in Flink", "let the source give a column");
  refuse(ast, "operator " + op + " has no counterpart in Flink");
}

// Digits that Flink would cut, or round in another way.
void ExpressionWriter::check_decimals(const Ast& ast, Type a, Type b) {
  if (a.kind != TypeKind::kDecimal && b.kind != TypeKind::kDecimal) return;
  if (ast.text == "/" || ast.text == "%") refuse(ast, "a DECIMAL divided has other digits in Flink", "cast to double");
  const auto whole = [](Type type) { return type.kind == TypeKind::kDecimal ? type.precision - type.scale : 19; };
  const int scale = ast.text == "*" ? a.scale + b.scale : std::max(a.scale, b.scale);
  const int digits = ast.text == "*" ? whole(a) + whole(b) + scale : std::max(whole(a), whole(b)) + scale + 1;
  if (digits > 38)
    refuse(ast, "a DECIMAL of " + std::to_string(digits) + " digits has fewer in Flink", "cast to a shorter DECIMAL");
}

Sql ExpressionWriter::arithmetic(const Ast& ast) {
  const Type a = type_of(ast.arguments[0]);
  const Type b = type_of(ast.arguments[1]);
  const bool texts = undecided(ast.arguments[0]) || undecided(ast.arguments[1]);
  if (!texts && (!numeric(a) || !numeric(b))) return arithmetic_of_times(ast);
  const Type type = type_of(ast);
  if (type.kind == TypeKind::kDecimal) check_decimals(ast, a, b);
  const Sql left = write_as(ast.arguments[0], type);
  const Sql right = write_as(ast.arguments[1], type);
  const bool narrow = left.narrow && right.narrow;
  const std::string first = narrow ? "CAST(" + left.text + " AS BIGINT)" : left.text;
  // The result of MOD() has the type of its second argument.
  if (ast.text == "%") {
    if (type.kind == TypeKind::kDouble) refuse(ast, "% of a DOUBLE has no counterpart in Flink", "use BIGINT");
    return {"MOD(" + first + ", " + right.text + ")", Sql::kPrimary, right.narrow};
  }
  const bool sum = ast.text == "+" || ast.text == "-";
  const Sql::Level level = sum ? Sql::kAdd : Sql::kMultiply;
  const auto above = static_cast<Sql::Level>(level + 1);
  const std::string before = narrow ? first : inside(left, level);
  return {before + " " + ast.text + " " + inside(right, above), level};
}

Sql ExpressionWriter::arithmetic_of_times(const Ast& ast) {
  const Type a = type_of(ast.arguments[0]);
  const Type b = type_of(ast.arguments[1]);
  const bool swapped = a == kInterval && ast.text == "+";
  const Type time = swapped ? b : a;
  const Ast& span = ast.arguments[swapped ? 0 : 1];
  const bool sum = ast.text == "+" || ast.text == "-";
  if (!sum || time != kTimestamp || type_of(span) != kInterval)
    refuse(ast, to_string(a) + " " + ast.text + " " + to_string(b) + " has no exact counterpart in Flink");
  if (constant(span) == nullptr) refuse(span, "an interval that is computed has no exact counterpart in Flink");
  return {inside(write(ast.arguments[swapped ? 1 : 0]), Sql::kAdd) + " " + ast.text + " " + write(span).text,
          Sql::kAdd};
}

Type ExpressionWriter::common_type(std::span<const Ast* const> asts) {
  Type type = kVarchar;
  for (const Ast* ast : asts) {
    if (undecided(*ast)) continue;
    const Type one = type_of(*ast);
    if (type == kVarchar || (numeric(one) && type == kBigint)) type = one;
  }
  return type;
}

std::vector<std::string> ExpressionWriter::operands(std::span<const Ast* const> asts, Sql::Level level) {
  const Type type = common_type(asts);
  std::vector<std::string> out;
  for (const Ast* ast : asts) {
    if (!undecided(*ast)) require_type(*ast, type_of(*ast));
    out.push_back(inside(write_as(*ast, type), level));
  }
  return out;
}

Sql ExpressionWriter::comparison(const Ast& ast, const std::string& op) {
  const std::vector<std::string> sides = operands(pointers(ast.arguments), Sql::kAdd);
  return {sides[0] + " " + op + " " + sides[1], Sql::kCompare};
}

Sql ExpressionWriter::distinct(const Ast& ast) {
  const std::vector<std::string> sides = operands(pointers(ast.arguments), Sql::kAdd);
  return {sides[0] + (ast.negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ") + sides[1], Sql::kCompare};
}

Sql ExpressionWriter::matches(const Ast& ast) {
  const std::string call = "REGEXP(" + write(ast.arguments[0]).text + ", " + regex_text(ast.arguments[1], *this) + ")";
  return ast.text == "!~" ? Sql{"NOT " + call, Sql::kNot} : Sql{call};
}

Sql ExpressionWriter::junction(const Ast& ast) {
  if (ast.kind == Kind::kNot) return {"NOT " + inside(write_as(ast.arguments[0], kBoolean), Sql::kCompare), Sql::kNot};
  const Sql::Level level = ast.kind == Kind::kAnd ? Sql::kAnd : Sql::kOr;
  std::string out;
  for (const Ast& argument : ast.arguments) {
    if (!out.empty()) out += level == Sql::kAnd ? " AND " : " OR ";
    out += inside(write_as(argument, kBoolean), static_cast<Sql::Level>(level + 1));
  }
  return {out, level};
}

// --- conversions and choices ---------------------------------------------------------------------

Sql ExpressionWriter::cast(const Ast& ast) {
  const Type from = type_of(ast.arguments[0]);
  const Type to = type_of(ast);
  const Sql value = write(ast.arguments[0]);
  if (ast.text.find("char(") != std::string::npos)
    refuse(ast, "a text of at most so many characters has no counterpart in Flink", "use left(x, n)");
  if (from == to && !value.narrow) return value;
  const std::string_view why = why_not_cast(from, to);
  if (!why.empty())
    refuse(ast, to_string(from) + " to " + to_string(to) + " is converted otherwise by Flink", std::string(why));
  const bool rounds = from.kind == TypeKind::kDecimal && to == kBigint;
  return {"CAST(" + (rounds ? "ROUND(" + value.text + ", 0)" : value.text) + " AS " + *type_text(to) + ")"};
}

Sql ExpressionWriter::case_of(const Ast& ast) {
  const Type type = type_of(ast);
  require_type(ast, type);
  const std::size_t first = ast.flag ? 1 : 0;
  const std::size_t whens = ast.arguments.size() - (ast.has_else ? 1 : 0);
  std::vector<const Ast*> compared = {};
  if (ast.flag) compared.push_back(ast.arguments.data());
  for (std::size_t i = first; i < whens && ast.flag; i += 2) compared.push_back(&ast.arguments[i]);
  const Type key = ast.flag ? common_type(compared) : kBoolean;
  bool narrow = true;
  const auto result = [&](const Ast& value) {
    const Sql sql = write_as(value, type);
    narrow = narrow && (sql.narrow || value.kind == Kind::kNull);
    return sql.text;
  };
  std::string out = ast.flag ? "CASE " + write_as(ast.arguments[0], key).text : "CASE";
  for (std::size_t i = first; i < whens; i += 2)
    out += " WHEN " + write_as(ast.arguments[i], key).text + " THEN " + result(ast.arguments[i + 1]);
  if (ast.has_else) out += " ELSE " + result(ast.arguments.back());
  return {out + " END", Sql::kPrimary, type == kBigint && narrow};
}

Sql ExpressionWriter::list(const Ast& ast, const std::string& function) {
  const Type type = type_of(ast);
  require_type(ast, type);
  std::string out;
  bool narrow = true;
  for (const Ast& argument : ast.arguments) {
    const Sql sql = write_as(argument, type);
    narrow = narrow && sql.narrow;
    out += (out.empty() ? "" : ", ") + sql.text;
  }
  return {function + "(" + out + ")", Sql::kPrimary, type == kBigint && narrow};
}

Sql ExpressionWriter::in(const Ast& ast) {
  std::vector<std::string> values = operands(pointers(ast.arguments), Sql::kAdd);
  std::string out = values[0] + (ast.negated ? " NOT IN (" : " IN (");
  for (std::size_t i = 1; i < values.size(); ++i) out += (i == 1 ? "" : ", ") + values[i];
  return {out + ")", Sql::kCompare};
}

Sql ExpressionWriter::between(const Ast& ast) {
  const std::vector<std::string> values = operands(pointers(ast.arguments), Sql::kAdd);
  const std::string how = std::string(ast.negated ? " NOT" : "") + " BETWEEN " + (ast.flag ? "SYMMETRIC " : "");
  return {values[0] + how + values[1] + " AND " + values[2], Sql::kCompare};
}

Sql ExpressionWriter::like(const Ast& ast) {
  const NodePtr pattern = constant(ast.arguments[1]);
  if (ast.arguments.size() > 2 || pattern == nullptr || !pattern->literal()->valid(0) ||
      pattern->literal()->column.bytes(0).find('\\') != std::string_view::npos)
    refuse(ast.arguments[1], "Flink escapes in patterns otherwise", "write the pattern in quotes, without a \\");
  if (ast.text.ends_with("*")) refuse(ast, "ilike has no counterpart in Flink", "write lower(x) like '…'");
  return {inside(write(ast.arguments[0]), Sql::kAdd) + (ast.negated ? " NOT LIKE " : " LIKE ") +
              write(ast.arguments[1]).text,
          Sql::kCompare};
}

}  // namespace stream::flink
