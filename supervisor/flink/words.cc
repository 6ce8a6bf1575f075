#include "supervisor/flink/words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "stages/expression/decimal.h"
#include "stages/expression/temporal.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

// Flink's reserved words that somebody may call a column or a stage.
constexpr std::string_view kReserved =
    " abs all allocate allow alter and any are array as asensitive asymmetric at atomic authorization avg"
    " begin between bigint binary bit blob boolean both by bytes call called cardinality cascaded case"
    " cast catalogs ceil ceiling change char character check classifier clob close coalesce collate"
    " collect column columns comment commit condition connect constraint contains convert corr count"
    " create cross cube current current_date current_time current_timestamp cursor cycle database"
    " databases date day deallocate dec decimal declare default define delete describe deterministic"
    " disconnect distinct double drop dynamic each element else empty end equals escape every except exec"
    " execute exists exp explain external extract false fetch filter first_value float floor for foreign"
    " frame_row free from full function functions fusion get global grant group grouping groups having"
    " hold hour identity if ilike import in indicator initial inner inout insert int integer intersect"
    " intersection interval into is join json lag language large last_value lateral lead leading left like"
    " limit ln local localtime localtimestamp lower map match matches max measures member merge metadata"
    " method min minus minute mod modifies modify module month multiset national natural new next no none"
    " not null nullif numeric of offset old omit on one only open or order out outer over overlaps overlay"
    " parameter partition pattern per percent period permute position power precedes precision prepare"
    " prev primary procedure range rank raw reads real recursive ref references release rename reset"
    " result return returns revoke right rollback rollup row row_number rows running savepoint scope"
    " scroll search second seek select sensitive session_user set show similar skip smallint some specific"
    " sql start static statistics stream string subset substring sum symmetric system table tables then"
    " time timestamp timestamp_ltz to trailing trim true truncate uescape union unique unknown unnest"
    " update upper upsert use user using value values varchar varying versioning view views watermark week"
    " when where window with within year"
    " ";

bool plain(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool reserved(const std::string& word) { return kReserved.find(" " + word + " ") != std::string_view::npos; }

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

struct Unit {
  std::int64_t milliseconds;
  std::string_view name;
};
constexpr std::array kUnits = {Unit{86'400'000, "DAY"}, Unit{3'600'000, "HOUR"}, Unit{60'000, "MINUTE"},
                               Unit{1000, "SECOND"}};

// Two digits are what there may be without being said.
std::string with_unit(const std::string& digits, std::string_view name, std::string_view sign) {
  std::string out = "INTERVAL " + std::string(sign) + "'" + digits + "' " + std::string(name);
  return digits.size() > 2 ? out + "(" + std::to_string(digits.size()) + ")" : out;
}

std::string of_seconds(std::int64_t milliseconds, std::string_view sign) {
  const std::string seconds = std::to_string(milliseconds / 1000);
  const std::string fraction = std::to_string(1000 + milliseconds % 1000).substr(1);
  const std::string out = "INTERVAL " + std::string(sign) + "'" + seconds + "." + fraction + "' SECOND";
  return seconds.size() > 2 ? out + "(" + std::to_string(seconds.size()) + ", 3)" : out;
}

std::optional<std::string> of_interval(Interval interval) {
  if (interval.months != 0) {
    if (interval.days != 0 || interval.microseconds != 0) return std::nullopt;
    return with_unit(std::to_string(std::abs(interval.months)), "MONTH", interval.months < 0 ? "-" : "");
  }
  return interval_text(interval.days * expression::kDayUs + interval.microseconds);
}

std::optional<std::string> of_double(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::scientific);
  std::string out(digits.data(), end.ptr);
  out[out.find('e')] = 'E';
  return "CAST(" + out + " AS DOUBLE)";
}

std::string of_timestamp(std::int64_t microseconds) {
  std::string text = expression::format_timestamp(microseconds);
  text.resize(text.rfind('+'));
  return "CAST(TIMESTAMP '" + text + "' AS TIMESTAMP_LTZ(6))";
}

}  // namespace

std::string quoted_name(std::string_view name) {
  return plain(name) && !reserved(lower(name)) ? std::string(name) : quoted(name, '`');
}

std::string quoted_text(std::string_view text) { return quoted(text, '\''); }

std::optional<std::string> type_text(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean: return "BOOLEAN";
    case TypeKind::kBigint: return "BIGINT";
    case TypeKind::kDouble: return "DOUBLE";
    case TypeKind::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) + ")";
    case TypeKind::kVarchar: return "STRING";
    case TypeKind::kTimestamp: return "TIMESTAMP_LTZ(6)";
    case TypeKind::kDate: return "DATE";
    case TypeKind::kInterval:
    case TypeKind::kBlob:
    case TypeKind::kJson: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> interval_text(Microseconds duration) {
  if (duration % 1000 != 0) return std::nullopt;
  const std::string_view sign = duration < 0 ? "-" : "";
  const std::int64_t milliseconds = std::abs(duration / 1000);
  for (const Unit& unit : kUnits) {
    if (milliseconds % unit.milliseconds == 0 && (milliseconds != 0 || unit.name == "SECOND"))
      return with_unit(std::to_string(milliseconds / unit.milliseconds), unit.name, sign);
  }
  return of_seconds(milliseconds, sign);
}

std::optional<std::string> value_text(const Column& value) {
  const Type type = value.type();
  if (!value.valid(0)) {
    const auto name = type_text(type);
    return name ? std::optional("CAST(NULL AS " + *name + ")") : std::nullopt;
  }
  switch (type.kind) {
    case TypeKind::kBoolean: return value.value<std::uint8_t>(0) != 0 ? "TRUE" : "FALSE";
    case TypeKind::kBigint: return std::to_string(value.value<std::int64_t>(0));
    case TypeKind::kDouble: return of_double(value.value<double>(0));
    case TypeKind::kDecimal: return expression::to_text(value.value<Decimal>(0), type.scale);
    case TypeKind::kVarchar: return quoted_text(value.bytes(0));
    case TypeKind::kTimestamp: return of_timestamp(value.value<std::int64_t>(0));
    case TypeKind::kDate: return "DATE '" + expression::format_date(value.value<std::int32_t>(0)) + "'";
    case TypeKind::kInterval: return of_interval(value.value<Interval>(0));
    case TypeKind::kBlob:
    case TypeKind::kJson: return std::nullopt;
  }
  return std::nullopt;
}

std::string duration_text(Microseconds duration) {
  const std::int64_t milliseconds = (duration + 999) / 1000;
  if (milliseconds % 1000 != 0 || milliseconds == 0) return std::to_string(milliseconds) + " ms";
  return std::to_string(milliseconds / 1000) + " s";
}

}  // namespace stream::flink
