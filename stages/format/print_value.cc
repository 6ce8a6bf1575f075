#include "stages/format/print_value.h"

#include <cstring>

#include "stages/format/number.h"
#include "stages/format/timestamp.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

char* print_text(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

std::size_t printed_size(const Column& column, std::size_t row) {
  if (column.type().kind == TypeKind::kBlob) return base64_size(column.bytes(row).size());
  if (column.type().variable()) return column.bytes(row).size();
  return kIntervalSize;  // the longest of the fixed ones
}

char* print_value(char* to, const Column& column, std::size_t row) {
  switch (column.type().kind) {
    case TypeKind::kBoolean: return print_text(to, column.value<std::uint8_t>(row) != 0 ? "true" : "false");
    case TypeKind::kBigint: return print_bigint(to, column.value<std::int64_t>(row));
    case TypeKind::kDouble: return print_double(to, column.value<double>(row));
    case TypeKind::kDecimal: return print_decimal(to, column.value<Decimal>(row), column.type().scale);
    case TypeKind::kTimestamp: return print_timestamp(to, column.value<std::int64_t>(row));
    case TypeKind::kDate: return print_date(to, column.value<std::int32_t>(row));
    case TypeKind::kInterval: return print_interval(to, column.value<Interval>(row));
    case TypeKind::kBlob: return encode_base64(to, column.bytes(row));
    case TypeKind::kVarchar:
    case TypeKind::kJson: return print_text(to, column.bytes(row));
  }
  return to;
}

}  // namespace stream::format
