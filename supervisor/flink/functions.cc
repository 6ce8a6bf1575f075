#include "supervisor/flink/functions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "stages/expression/functions.h"
#include "supervisor/flink/patterns.h"
#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

using expression::Ast;
using Kind = Ast::Kind;

constexpr std::array kRows = {
    FunctionRow{"abs", "i", "ABS($1)"},
    FunctionRow{"abs", "f", "ABS($1)"},
    FunctionRow{"abs", "n", "ABS($1)"},
    FunctionRow{"acos", "f", "ACOS($1)"},
    FunctionRow{"asin", "f", "ASIN($1)"},
    FunctionRow{"atan", "f", "ATAN($1)"},
    FunctionRow{"atan2", "ff", "ATAN2($1, $2)"},
    FunctionRow{"btrim", "t", "TRIM($1)"},
    FunctionRow{"ceil", "f", "CEIL($1)"},
    FunctionRow{"ceiling", "f", "CEIL($1)"},
    FunctionRow{"char_length", "t", "CHAR_LENGTH($1)", true},
    FunctionRow{"cos", "f", "COS($1)"},
    FunctionRow{"degrees", "f", "DEGREES($1)"},
    FunctionRow{"exp", "f", "EXP($1)"},
    FunctionRow{"floor", "f", "FLOOR($1)"},
    FunctionRow{"left", "tc", "LEFT($1, $2)"},
    FunctionRow{"length", "t", "CHAR_LENGTH($1)", true},
    FunctionRow{"ln", "f", "LN($1)"},
    FunctionRow{"lower", "t", "LOWER($1)"},
    FunctionRow{"ltrim", "t", "LTRIM($1)"},
    FunctionRow{"md5", "t", "MD5($1)"},
    FunctionRow{"mod", "ii", "MOD($1, CAST($2 AS BIGINT))"},
    FunctionRow{"pi", "", "PI()"},
    FunctionRow{"position", "tt", "POSITION($2 IN $1)", true},
    FunctionRow{"power", "ff", "POWER($1, $2)"},
    FunctionRow{"radians", "f", "RADIANS($1)"},
    FunctionRow{"repeat", "tc", "REPEAT($1, $2)"},
    FunctionRow{"replace", "ttt", "REPLACE($1, $2, $3)"},
    FunctionRow{"reverse", "t", "REVERSE($1)"},
    FunctionRow{"right", "tc", "RIGHT($1, $2)"},
    FunctionRow{"rtrim", "t", "RTRIM($1)"},
    FunctionRow{"sin", "f", "SIN($1)"},
    FunctionRow{"sqrt", "f", "SQRT($1)"},
    FunctionRow{"strpos", "tt", "POSITION($2 IN $1)", true},
    FunctionRow{"substr", "tc", "SUBSTRING($1, $2)"},
    FunctionRow{"substr", "tcc", "SUBSTRING($1, $2, $3)"},
    FunctionRow{"substring", "tc", "SUBSTRING($1, $2)"},
    FunctionRow{"substring", "tcc", "SUBSTRING($1, $2, $3)"},
    FunctionRow{"tan", "f", "TAN($1)"},
    FunctionRow{"trim", "t", "TRIM($1)"},
    FunctionRow{"trunc", "f", "TRUNCATE($1, 0)"},
    FunctionRow{"upper", "t", "UPPER($1)"},
};

// Those whose arguments decide what they become: the text says it to users, the code below does it.
constexpr std::array kSpecial = {
    FunctionRow{"concat", "t…", "CONCAT_WS('', …)"},
    FunctionRow{"concat_ws", "tt…", "CONCAT_WS(…)"},
    FunctionRow{"date_trunc", "ts", "FLOOR(… TO …)"},
    FunctionRow{"extract", "ts", "EXTRACT(… FROM …)"},
    FunctionRow{"now", "", "CURRENT_TIMESTAMP"},
    FunctionRow{"regexp_like", "tt", "REGEXP(…)"},
    FunctionRow{"regexp_substr", "ttiiti", "REGEXP_EXTRACT(…)"},
    FunctionRow{"split_part", "ttc", "SPLIT_INDEX(…), and '' where there is no such part"},
    FunctionRow{"to_char", "st", "DATE_FORMAT(…)"},
    FunctionRow{"to_timestamp", "i", "TO_TIMESTAMP_LTZ(…, 0)"},
};

constexpr auto kAll = [] {
  std::array<FunctionRow, kRows.size() + kSpecial.size()> all{};
  std::size_t at = 0;
  for (const FunctionRow& row : kRows) all[at++] = row;
  for (const FunctionRow& row : kSpecial) all[at++] = row;
  return all;
}();

// A BIGINT is a number for every parameter that is one.
bool fits(char parameter, const Ast& argument, ExpressionWriter& writer) {
  const Type type = writer.type_of(argument);
  const bool text = argument.kind == Kind::kText;
  switch (parameter) {
    case 'i': return type == kBigint;
    case 'f': return !text && (type == kBigint || type == kDouble || type.kind == TypeKind::kDecimal);
    case 'n': return type.kind == TypeKind::kDecimal;
    case 't': return type == kVarchar;
    case 's': return type == kTimestamp;
    case 'c': {
      const expression::NodePtr value = writer.constant(argument);
      return value != nullptr && value->type() == kBigint && value->literal()->valid(0) &&
             value->literal()->column.value<std::int64_t>(0) > 0 &&
             value->literal()->column.value<std::int64_t>(0) < 1'000'000'000;
    }
    default: return false;
  }
}

bool fits(const FunctionRow& row, const Ast& ast, ExpressionWriter& writer) {
  if (row.name != ast.text || row.parameters.size() != ast.arguments.size()) return false;
  for (std::size_t i = 0; i < ast.arguments.size(); ++i) {
    if (!fits(row.parameters[i], ast.arguments[i], writer)) return false;
  }
  return true;
}

std::string argument_text(char parameter, const Ast& argument, ExpressionWriter& writer) {
  const Sql sql = writer.write(argument);
  if (parameter == 'f' && writer.type_of(argument) != kDouble) return "CAST(" + sql.text + " AS DOUBLE)";
  return parameter == 'i' ? writer.exact(argument) : sql.text;
}

Sql apply(const FunctionRow& row, const Ast& ast, ExpressionWriter& writer) {
  std::string out;
  for (std::size_t i = 0; i < row.flink.size(); ++i) {
    if (row.flink[i] != '$') {
      out += row.flink[i];
      continue;
    }
    const auto at = static_cast<std::size_t>(row.flink[++i] - '1');
    out += argument_text(row.parameters[at], ast.arguments[at], writer);
  }
  return {out, Sql::kPrimary, row.narrow};
}

// --- those that need a look ------------------------------------------------------------------------

// Flink's CONCAT gives NULL where an argument is; CONCAT_WS leaves it out, as both do here.
Sql concat(const Ast& ast, ExpressionWriter& writer) {
  std::string out = ast.text == "concat" ? "CONCAT_WS(''" : "CONCAT_WS(";
  for (std::size_t i = 0; i < ast.arguments.size(); ++i) {
    const Ast& argument = ast.arguments[i];
    if (writer.type_of(argument) != kVarchar) refuse(argument, "only texts can be joined in Flink", "cast it");
    out += (out.ends_with("(") ? "" : ", ") + writer.write(argument).text;
  }
  return {out + ")"};
}

std::string constant_text(const Ast& ast, ExpressionWriter& writer, std::string_view what) {
  const expression::NodePtr node = writer.constant(ast);
  std::string text;
  if (node == nullptr || expression::literal_text(*node, &text) == nullptr)
    refuse(ast, std::string(what) + " has a counterpart in Flink only if it is a text in quotes");
  return text;
}

// What is not there is '' here and NULL there; of NULL both give NULL.
Sql split_part(const Ast& ast, ExpressionWriter& writer) {
  if (ast.arguments.size() != 3 || constant_text(ast.arguments[1], writer, "the separator").empty() ||
      !fits('c', ast.arguments[2], writer))
    refuse(ast,
           "split_part() has a counterpart in Flink only with a separator and a number above 0 that are constants");
  const std::int64_t part = writer.constant(ast.arguments[2])->literal()->column.value<std::int64_t>(0);
  const std::string text = writer.write(ast.arguments[0]).text;
  return {"COALESCE(SPLIT_INDEX(" + text + ", " + writer.write(ast.arguments[1]).text + ", " +
          std::to_string(part - 1) + "), LEFT(" + text + ", 0))"};
}

// In the session's time zone, which is UTC.
std::string local_time(const Ast& ast, ExpressionWriter& writer) {
  return "CAST(" + writer.write_as(ast, kTimestamp).text + " AS TIMESTAMP(6))";
}

Sql to_char(const Ast& ast, ExpressionWriter& writer) {
  const std::string pattern = constant_text(ast.arguments[1], writer, "the pattern of to_char()");
  const auto java = java_time_pattern(pattern);
  if (!java)
    refuse(ast.arguments[1], "a part of this pattern has no counterpart in Flink",
           "YYYY MM DD HH24 HH12 MI SS MS have one");
  return {"DATE_FORMAT(" + local_time(ast.arguments[0], writer) + ", " + quoted_text(*java) + ")"};
}

Sql extract(const Ast& ast, ExpressionWriter& writer) {
  static constexpr std::array<std::string_view, 7> kFields = {"minute", "hour",    "day", "week",
                                                              "month",  "quarter", "year"};
  const std::string field = lower(constant_text(ast.arguments[0], writer, "the field"));
  if (std::ranges::find(kFields, field) == kFields.end() || writer.type_of(ast.arguments[1]) != kTimestamp)
    refuse(ast, "extract() of '" + field + "' has no exact counterpart in Flink",
           "minute, hour, day, week, month, quarter and year of a TIMESTAMP have one");
  std::string upper = field;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return {"EXTRACT(" + upper + " FROM " + local_time(ast.arguments[1], writer) + ")"};
}

Sql date_trunc(const Ast& ast, ExpressionWriter& writer) {
  static constexpr std::array<std::string_view, 7> kFields = {"second", "minute",  "hour", "day",
                                                              "month",  "quarter", "year"};
  const std::string field = lower(constant_text(ast.arguments[0], writer, "the field"));
  if (ast.arguments.size() != 2 || std::ranges::find(kFields, field) == kFields.end() ||
      writer.type_of(ast.arguments[1]) != kTimestamp)
    refuse(ast, "this date_trunc() has no exact counterpart in Flink",
           "second, minute, hour, day, month, quarter and year of a TIMESTAMP have one");
  std::string upper = field;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return {"CAST(FLOOR(" + local_time(ast.arguments[1], writer) + " TO " + upper + ") AS TIMESTAMP_LTZ(6))"};
}

Sql to_timestamp(const Ast& ast, ExpressionWriter& writer) {
  if (ast.arguments.size() != 1 || writer.type_of(ast.arguments[0]) != kBigint)
    refuse(ast, "to_timestamp() has an exact counterpart in Flink only for seconds that are a BIGINT");
  return {"CAST(TO_TIMESTAMP_LTZ(" + writer.exact(ast.arguments[0]) + ", 0) AS TIMESTAMP_LTZ(6))"};
}

Sql regexp_like(const Ast& ast, ExpressionWriter& writer) {
  if (ast.arguments.size() != 2) refuse(ast, "the flags of regexp_like() have no counterpart in Flink");
  return {"REGEXP(" + writer.write(ast.arguments[0]).text + ", " + regex_text(ast.arguments[1], writer) + ")"};
}

// The first match, and of it a group.
Sql regexp_substr(const Ast& ast, ExpressionWriter& writer) {
  const auto number = [&](std::size_t at, std::int64_t absent) -> std::int64_t {
    if (at >= ast.arguments.size()) return absent;
    const expression::NodePtr value = writer.constant(ast.arguments[at]);
    if (value == nullptr || value->type() != kBigint || !value->literal()->valid(0))
      refuse(ast.arguments[at], "this has a counterpart in Flink only if it is a constant");
    return value->literal()->column.value<std::int64_t>(0);
  };
  const bool flags = ast.arguments.size() > 4 && !constant_text(ast.arguments[4], writer, "this").empty();
  if (number(2, 1) != 1 || number(3, 1) != 1 || flags)
    refuse(ast, "regexp_substr() has a counterpart in Flink only for the first match, without flags");
  return {"REGEXP_EXTRACT(" + writer.write(ast.arguments[0]).text + ", " + regex_text(ast.arguments[1], writer) + ", " +
          std::to_string(number(5, 0)) + ")"};
}

struct Special {
  std::string_view name;
  Sql (*write)(const Ast& ast, ExpressionWriter& writer);
};
constexpr std::array kWriters = {
    Special{"concat", concat},
    Special{"concat_ws", concat},
    Special{"date_trunc", date_trunc},
    Special{"extract", extract},
    Special{"now", [](const Ast&, ExpressionWriter&) { return Sql{"CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(6))"}; }},
    Special{"regexp_like", regexp_like},
    Special{"regexp_substr", regexp_substr},
    Special{"split_part", split_part},
    Special{"to_char", to_char},
    Special{"to_timestamp", to_timestamp},
};

}  // namespace

std::span<const FunctionRow> function_rows() { return kAll; }

Sql write_call(const Ast& ast, ExpressionWriter& writer) {
  for (const Special& special : kWriters) {
    if (special.name == ast.text) return special.write(ast, writer);
  }
  bool known = false;
  for (const FunctionRow& row : kRows) {
    if (fits(row, ast, writer)) return apply(row, ast, writer);
    known = known || row.name == ast.text;
  }
  if (known)
    refuse(ast, ast.text + "() of these arguments has no exact counterpart in Flink", "stream-flink(7) lists what has");
  refuse(ast, "function " + ast.text + "() has no exact counterpart in Flink", "stream-flink(7) lists those that have");
}

std::string_view why_not_cast(Type from, Type to) {
  const auto is = [](Type type, TypeKind kind) { return type.kind == kind; };
  if (!type_text(from) || !type_text(to)) return "keep it out of what is deployed";
  if (is(to, TypeKind::kVarchar)) {
    if (is(from, TypeKind::kBigint) || is(from, TypeKind::kDecimal) || is(from, TypeKind::kDate)) return "";
    return is(from, TypeKind::kTimestamp) ? "use to_char()" : "use a case";
  }
  if (is(from, TypeKind::kDouble)) return "cast to DECIMAL, or use floor(), before it leaves the source";
  if (is(from, TypeKind::kVarchar))
    return is(to, TypeKind::kTimestamp) || is(to, TypeKind::kBoolean) ? "let the source read it with its 'schema'" : "";
  return is(from, TypeKind::kBoolean) || is(to, TypeKind::kBoolean) ? "use a case, or a comparison" : "";
}

std::string regex_text(const Ast& ast, ExpressionWriter& writer) {
  const auto java = java_regex(constant_text(ast, writer, "a regular expression"));
  if (!java)
    refuse(ast, "this regular expression may match otherwise in Flink",
           "alternatives longer than a character, classes by name, and what begins with (? are refused");
  return quoted_text(*java);
}

}  // namespace stream::flink
