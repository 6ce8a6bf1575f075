#include "stages/format/json_value.h"

#include <cmath>
#include <cstring>

#include "stages/format/json_text.h"
#include "stages/format/number.h"
#include "stages/format/print_value.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

constexpr std::size_t kFixedSize = 64;

char* print_null(char* to) {
  std::memcpy(to, "null", 4);
  return to + 4;
}

}  // namespace

std::size_t json_value_size(const Column& column, std::size_t row) {
  if (!column.valid(row)) return kFixedSize;
  if (column.type() == kVarchar) return kFixedSize + escaped_size(column.bytes(row).size());
  return kFixedSize + printed_size(column, row);
}

char* print_json_value(char* to, const Column& column, std::size_t row) {
  if (!column.valid(row)) return print_null(to);
  switch (column.type().kind) {
    case TypeKind::kBigint: return print_bigint(to, column.value<std::int64_t>(row));
    case TypeKind::kBoolean:
    case TypeKind::kJson: return print_value(to, column, row);
    case TypeKind::kDouble:
      return std::isfinite(column.value<double>(row)) ? print_double(to, column.value<double>(row)) : print_null(to);
    case TypeKind::kVarchar:
      *to++ = '"';
      to = escape_json(to, column.bytes(row));
      break;
    default: *to++ = '"'; to = print_value(to, column, row);
  }
  *to++ = '"';
  return to;
}

void append_json_value(const Column& column, std::size_t row, std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + json_value_size(column, row));
  const char* end = print_json_value(out.data() + begin, column, row);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

}  // namespace stream::format
