#include "transport/record/type.h"

#include <array>
#include <vector>

#include "transport/base/text.h"

namespace stream {
namespace {

struct TypeName {
  std::string_view name;
  TypeKind kind;
};

// The first name of a kind is the one we print.
constexpr std::array kTypeNames = {
    TypeName{"BOOLEAN", TypeKind::kBoolean},
    TypeName{"BIGINT", TypeKind::kBigint},
    TypeName{"DOUBLE", TypeKind::kDouble},
    TypeName{"DECIMAL", TypeKind::kDecimal},
    TypeName{"VARCHAR", TypeKind::kVarchar},
    TypeName{"TIMESTAMP", TypeKind::kTimestamp},
    TypeName{"DATE", TypeKind::kDate},
    TypeName{"INTERVAL", TypeKind::kInterval},
    TypeName{"BLOB", TypeKind::kBlob},
    TypeName{"JSON", TypeKind::kJson},
    TypeName{"BOOL", TypeKind::kBoolean},
    TypeName{"INT", TypeKind::kBigint},
    TypeName{"INTEGER", TypeKind::kBigint},
    TypeName{"INT8", TypeKind::kBigint},
    TypeName{"INT4", TypeKind::kBigint},
    TypeName{"SMALLINT", TypeKind::kBigint},
    TypeName{"DOUBLE PRECISION", TypeKind::kDouble},
    TypeName{"FLOAT8", TypeKind::kDouble},
    TypeName{"FLOAT", TypeKind::kDouble},
    TypeName{"REAL", TypeKind::kDouble},
    TypeName{"NUMERIC", TypeKind::kDecimal},
    TypeName{"TEXT", TypeKind::kVarchar},
    TypeName{"STRING", TypeKind::kVarchar},
    TypeName{"TIMESTAMPTZ", TypeKind::kTimestamp},
    TypeName{"BYTEA", TypeKind::kBlob},
    TypeName{"JSONB", TypeKind::kJson},
};

std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  return out;
}

Status unknown_type(std::string_view text) {
  std::vector<std::string> names;
  for (const TypeName& entry : kTypeNames) names.emplace_back(entry.name);
  return usage_error("unknown type '" + std::string(text) + "'" + did_you_mean(text, names));
}

// The "(p,s)" of a DECIMAL; the default is DECIMAL(38,9).
Result<Type> parse_decimal(std::string_view text, std::string_view arguments) {
  if (arguments.empty()) return decimal_type(38, 9);
  const std::vector<std::string> parts = split(arguments, ',');
  const auto precision = parse_integer(trim(parts[0]));
  const auto scale = parts.size() > 1 ? parse_integer(trim(parts[1])) : Result<std::int64_t>(0);
  if (parts.size() > 2 || !precision.ok() || !scale.ok() || *precision < 1 || *precision > 38 || *scale < 0 ||
      *scale > *precision) {
    return usage_error("'" + std::string(text) +
                       "' is not a decimal type: DECIMAL(p,s) needs 1 <= p <= 38 and 0 <= s <= p");
  }
  return decimal_type(static_cast<std::uint8_t>(*precision), static_cast<std::uint8_t>(*scale));
}

}  // namespace

std::string to_string(Type type) {
  std::string name;
  for (const TypeName& entry : kTypeNames) {
    if (entry.kind == type.kind) {
      name = entry.name;
      break;
    }
  }
  if (type.kind != TypeKind::kDecimal) return name;
  return name + "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
}

Result<Type> parse_type(std::string_view text) {
  std::string name = normalized(text);
  std::string arguments;
  if (const std::size_t open = name.find('('); open != std::string::npos) {
    const std::size_t close = name.find(')', open);
    if (close == std::string::npos) return unknown_type(text);
    arguments = name.substr(open + 1, close - open - 1);
    name = std::string(trim(name.substr(0, open) + name.substr(close + 1)));
  }
  if (name == "TIMESTAMP WITH TIME ZONE") return kTimestamp;
  for (const TypeName& entry : kTypeNames) {
    if (entry.name != name) continue;
    if (entry.kind == TypeKind::kDecimal) return parse_decimal(text, arguments);
    return Type{entry.kind};
  }
  // varchar(n) and char(n): the length is not enforced, as nothing here pads or cuts.
  if (name == "CHAR" || name == "CHARACTER VARYING") return kVarchar;
  return unknown_type(text);
}

}  // namespace stream
