#include "stages/postgres/values.h"

#include <charconv>

#include "stages/format/print_value.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void append_hex(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += c;
    }
  }
}

// "numeric(10,2)": PostgreSQL's numbers may have 1,000 digits, and without bounds any; ours are exact up to 38.
Type numeric_type(std::string_view pg) {
  const std::size_t open = pg.find('(');
  if (open == std::string_view::npos) return kVarchar;
  int precision = 0;
  int scale = 0;
  const char* end = pg.data() + pg.size();
  const auto first = std::from_chars(pg.data() + open + 1, end, precision);
  if (first.ptr != end && *first.ptr == ',') std::from_chars(first.ptr + 1, end, scale);
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return kVarchar;
  return decimal_type(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale));
}

}  // namespace

std::string pg_type(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean: return "boolean";
    case TypeKind::kBigint: return "bigint";
    case TypeKind::kDouble: return "double precision";
    case TypeKind::kDecimal:
      return "numeric(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
    case TypeKind::kTimestamp: return "timestamp with time zone";
    case TypeKind::kDate: return "date";
    case TypeKind::kInterval: return "interval";
    case TypeKind::kBlob: return "bytea";
    case TypeKind::kJson: return "jsonb";
    case TypeKind::kVarchar: break;
  }
  return "text";
}

Type type_of_pg(std::string_view pg) {
  if (pg == "boolean") return kBoolean;
  if (pg == "smallint" || pg == "integer" || pg == "bigint" || pg == "oid") return kBigint;
  if (pg == "real" || pg == "double precision") return kDouble;
  if (pg.starts_with("numeric") && !pg.ends_with("]")) return numeric_type(pg);
  if (pg.starts_with("timestamp") && !pg.ends_with("]")) return kTimestamp;
  if (pg == "date") return kDate;
  if (pg == "interval") return kInterval;
  if (pg == "bytea") return kBlob;
  if (pg == "json" || pg == "jsonb") return kJson;
  return kVarchar;
}

std::string pg_text(const Column& column, std::size_t row) {
  std::string text;
  if (column.type() == kBlob) {
    append_hex(column.bytes(row), text);
    return text;
  }
  text.resize(format::printed_size(column, row));
  text.resize(static_cast<std::size_t>(format::print_value(text.data(), column, row) - text.data()));
  return text;
}

void append_copy_value(const Column& column, std::size_t row, std::string& out) {
  if (!column.valid(row)) {
    out += "\\N";
  } else if (column.type().variable() && column.type() != kBlob) {
    append_escaped(column.bytes(row), out);
  } else {
    append_escaped(pg_text(column, row), out);
  }
}

}  // namespace stream
