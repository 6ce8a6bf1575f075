// Conversions: what SQL does by itself, and casts.
#include <algorithm>
#include <array>

#include "stages/expression/bind.h"
#include "stages/expression/decimal.h"
#include "stages/expression/temporal.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

[[noreturn]] void fail(std::size_t offset, std::string message, std::string hint = {}) {
  throw Failure{offset, std::move(message), std::move(hint)};
}

constexpr Type kWholeDecimal = decimal_type(19, 0);  // what a BIGINT becomes

int numeric_rank(Type type) {
  switch (type.kind) {
    case TypeKind::kBigint: return 1;
    case TypeKind::kDecimal: return 2;
    case TypeKind::kDouble: return 3;
    default: return 0;
  }
}

Type merged_decimal(Type a, Type b) {
  const int whole = std::max(a.precision - a.scale, b.precision - b.scale);
  // No digit behind the point is given up: a value that then does not fit is an error of its row.
  const int scale = std::max(a.scale, b.scale);
  return decimal_type(static_cast<std::uint8_t>(std::clamp(whole + scale, 1, kDecimalDigits)),
                      static_cast<std::uint8_t>(scale));
}

// The type both convert to by themselves, if there is one.
std::optional<Type> common_of(Type a, Type b) {
  if (a == b) return a;
  const int rank_a = numeric_rank(a);
  const int rank_b = numeric_rank(b);
  if (rank_a != 0 && rank_b != 0) {
    if (std::max(rank_a, rank_b) == 3) return kDouble;
    return merged_decimal(rank_a == 1 ? kWholeDecimal : a, rank_b == 1 ? kWholeDecimal : b);
  }
  const auto temporal = [](Type type) { return type == kDate || type == kTimestamp; };
  if (temporal(a) && temporal(b)) return kTimestamp;
  return std::nullopt;
}

std::string quoted(const std::string& text) { return "'" + (text.size() > 40 ? text.substr(0, 40) + "…" : text) + "'"; }

const char* example_of(Type type) {
  switch (type.kind) {
    case TypeKind::kTimestamp: return "write it as '2026-01-31 12:30:00'";
    case TypeKind::kDate: return "write it as '2026-01-31'";
    case TypeKind::kInterval: return "write it as '10 minutes' or '1 day 02:00:00'";
    case TypeKind::kBoolean: return "write true or false";
    default: return "";
  }
}

}  // namespace

NodePtr Binder::converted(const Bound& value, Type type) {
  if (value.unknown && !value.node->literal()->valid(0)) return make_null(type);
  NodePtr node = make_cast(value.node, type);
  if (node == nullptr) { fail(value.offset, "cannot cast " + to_string(value.type()) + " to " + to_string(type)); }
  // A literal that cannot be converted is wrong once and for all.
  if (value.unknown && node->literal() == nullptr) {
    fail(value.offset, quoted(value.literal) + " is not a " + to_string(type), example_of(type));
  }
  return node;
}

NodePtr Binder::coerce(const Bound& value, Type type) {
  if (value.unknown) return converted(value, type);
  if (value.type() == type) return value.node;
  const bool widens = value.type().kind == type.kind || common_of(value.type(), type) == std::optional<Type>(type) ||
                      (type.kind == TypeKind::kDecimal && value.type() == kBigint);
  if (!widens) {
    fail(value.offset, "a " + to_string(type) + " is needed here, not " + to_string(value.type()),
         "convert it: (…)::" + lower(to_string(type)));
  }
  return converted(value, type);
}

Type Binder::common_type(const std::vector<Bound>& values, const char* what) {
  std::optional<Type> type;
  for (const Bound& value : values) {
    if (value.unknown) continue;
    const std::optional<Type> both = type ? common_of(*type, value.type()) : value.type();
    if (!both) {
      fail(value.offset,
           std::string(what) + " types " + to_string(*type) + " and " + to_string(value.type()) + " do not match",
           "convert one of them: (…)::" + lower(to_string(*type)));
    }
    type = both;
  }
  if (!type) return kVarchar;
  // A literal may need more decimal places than the rest.
  for (const Bound& value : values) {
    Type natural = kVarchar;
    if (value.unknown && type->kind == TypeKind::kDecimal && natural_decimal(value.literal, natural)) {
      type = merged_decimal(*type, natural);
    }
  }
  return *type;
}

void Binder::unify(Bound& a, Bound& b, std::size_t offset, const std::string& op) {
  const auto settle = [&](Bound& unknown, Type type) {
    Type natural = type;
    if (type.kind == TypeKind::kDecimal && natural_decimal(unknown.literal, natural)) type = natural;
    unknown = {coerce(unknown, type), false, unknown.offset};
  };
  if (a.unknown && b.unknown) {
    a.unknown = b.unknown = false;
  } else if (a.unknown) {
    settle(a, b.type());
  } else if (b.unknown) {
    settle(b, a.type());
  }
  if (a.type() == kJson || b.type() == kJson) {
    fail(offset, "operator does not exist: " + to_string(a.type()) + " " + op + " " + to_string(b.type()),
         "take a field as text: column ->> 'field'; or declare the column's type in a schema");
  }
  if (a.type().kind == b.type().kind) return;
  const std::optional<Type> both = common_of(a.type(), b.type());
  if (!both) {
    const bool text_left = a.type() == kVarchar;
    fail(offset, "operator does not exist: " + to_string(a.type()) + " " + op + " " + to_string(b.type()),
         "convert one side: (…)::" + lower(to_string(text_left ? b.type() : a.type())));
  }
  // DECIMALs of different scale compare as they are.
  const auto promote = [&](Bound& value) {
    Type type = *both;
    if (type.kind == TypeKind::kDecimal) type = value.type() == kBigint ? kWholeDecimal : value.type();
    value = {coerce(value, type), false, value.offset};
  };
  promote(a);
  promote(b);
}

NodePtr Binder::text_of(const Bound& value) {
  if (value.type() == kVarchar) return value.node;
  NodePtr node = make_cast(value.node, kVarchar);
  if (node == nullptr) fail(value.offset, "cannot cast " + to_string(value.type()) + " to VARCHAR");
  return node;
}

namespace {

// INTERVAL's modifier: which fields were named, as bits.
std::string_view unit_of_fields(std::uint32_t fields) {
  struct Entry {
    std::uint32_t bit;
    std::string_view unit;
  };
  static constexpr std::array kLast = {Entry{1U << 12, "second"}, Entry{1U << 11, "minute"}, Entry{1U << 10, "hour"},
                                       Entry{1U << 3, "day"},     Entry{1U << 1, "month"},   Entry{1U << 2, "year"}};
  if (fields >= 0x7FFF) return "second";
  for (const Entry& entry : kLast) {
    if ((fields & entry.bit) != 0) return entry.unit;
  }
  return "second";
}

struct TypeText {
  std::string name;
  std::vector<std::string> modifiers;
};

TypeText split_type(const std::string& text) {
  TypeText out{text, {}};
  const std::size_t open = text.find('(');
  if (open == std::string::npos) return out;
  out.name = text.substr(0, open);
  out.modifiers = split(text.substr(open + 1, text.size() - open - 2), ',');
  return out;
}

// The grammar's own names for types that parse_type() knows under others.
std::string usual_name(const std::string& name) {
  if (name == "int2") return "smallint";
  if (name == "float4") return "real";
  if (name == "bpchar") return "char";
  return name;
}

bool plain_decimal(const TypeText& type) {
  return type.modifiers.empty() && (lower(type.name) == "numeric" || lower(type.name) == "decimal");
}

}  // namespace

Bound Binder::interval_literal(const Ast& ast, std::uint32_t fields) {
  const Ast& text = ast.arguments[0];
  Interval interval;
  if (parse_interval(text.text, unit_of_fields(fields), interval) != TemporalText::kOk) {
    fail(text.offset, quoted(text.text) + " is not an INTERVAL", example_of(kInterval));
  }
  return {make_fixed<Interval>(kInterval, interval), false, ast.offset};
}

Bound Binder::cast(const Ast& ast) {
  TypeText text = split_type(ast.text);
  const std::string name = usual_name(text.name);
  std::string full = name;
  const bool decimal = lower(name) == "numeric" || lower(name) == "decimal";
  if (decimal && !text.modifiers.empty()) full += "(" + join(text.modifiers, ",") + ")";
  const Result<Type> parsed = parse_type(full);
  if (!parsed.ok()) {
    const std::string what = parsed.status().what();
    const std::size_t cut = what.find("; ");
    fail(ast.index, what.substr(0, cut), cut == std::string::npos ? "" : what.substr(cut + 2));
  }
  Type type = *parsed;
  if (type == kInterval && !text.modifiers.empty() && ast.arguments[0].kind == Ast::Kind::kText) {
    return interval_literal(ast, static_cast<std::uint32_t>(std::stoul(text.modifiers[0])));
  }
  const Bound value = any(ast.arguments[0]);
  if (plain_decimal(text)) {
    Type natural = type;
    if (value.type().kind == TypeKind::kDecimal) type = value.type();
    if (value.type() == kBigint) type = kWholeDecimal;
    if (value.unknown && natural_decimal(value.literal, natural)) type = natural;
  }
  NodePtr node = converted(value, type);
  if (type == kVarchar && !text.modifiers.empty() && (name == "varchar" || name == "char")) {
    bool exists = false;
    const auto length = parse_integer(text.modifiers[0]);
    const std::vector<Bound> arguments = {
        {node, false, ast.offset}, {make_fixed<std::int64_t>(kBigint, length.ok() ? *length : 0), false, ast.offset}};
    return apply(*choose("left", arguments, exists), arguments, ast.offset);
  }
  return {std::move(node), false, ast.offset};
}

}  // namespace stream::expression
