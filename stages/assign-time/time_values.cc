#include "stages/assign-time/time_values.h"

#include <cmath>

#include "stages/format/timestamp.h"

namespace stream {
namespace {

constexpr char kOutOfRange[] = "the event time is out of range";
constexpr std::int64_t kDay = 86'400'000'000;

bool fail(PlanError* error, std::string option, std::string message, std::string hint = {}) {
  *error = {std::move(option), 0, std::move(message), std::move(hint)};
  return false;
}

double microseconds_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds: return 1e6;
    case TimeUnit::kMilliseconds: return 1e3;
    case TimeUnit::kNanoseconds: return 1e-3;
    default: return 1;
  }
}

const char* scaled(std::int64_t value, TimeUnit unit, std::int64_t& instant) {
  if (unit == TimeUnit::kNanoseconds) {
    instant = value / 1000 - (value % 1000 < 0 ? 1 : 0);
    return nullptr;
  }
  const auto factor = static_cast<std::int64_t>(microseconds_of(unit));
  return __builtin_mul_overflow(value, factor, &instant) ? kOutOfRange : nullptr;
}

const char* scaled(double value, TimeUnit unit, std::int64_t& instant) {
  const double scaled = std::floor(value * microseconds_of(unit));
  if (!(std::abs(scaled) < 9.2e18)) return kOutOfRange;
  instant = static_cast<std::int64_t>(scaled);
  return nullptr;
}

bool number(Type type) { return type == kBigint || type == kDouble; }

}  // namespace

std::optional<TimeValues> TimeValues::make(const Values& options, Type type, PlanError* error) {
  TimeValues values(type);
  if (!number(type) && type != kVarchar && type != kTimestamp && type != kDate) {
    fail(error, "time", "'" + options.text("time") + "' is " + to_string(type) + ", which is no time",
         "it takes TIMESTAMP, DATE, VARCHAR, or a number with time-unit");
    return std::nullopt;
  }
  if (!values.read_unit(options, error) || !values.read_text_options(options, error)) return std::nullopt;
  return values;
}

bool TimeValues::read_unit(const Values& options, PlanError* error) {
  if (!options.has("time-unit")) {
    if (!number(type_)) return true;
    return fail(error, "time-unit",
                "'" + options.text("time") + "' is " + to_string(type_) + ", and nothing says in what unit",
                "as in time-unit: ms");
  }
  auto unit = parse_time_unit(options.text("time-unit"));
  if (!unit.ok()) return fail(error, "time-unit", unit.status().what());
  unit_ = *unit;
  if (number(type_) || type_ == kVarchar) return true;
  return fail(error, "time-unit", "'" + options.text("time") + "' is " + to_string(type_) + ", which has no unit");
}

bool TimeValues::read_text_options(const Values& options, PlanError* error) {
  auto zone = format::Zone::load(options.text("zone"));
  if (!zone.ok()) return fail(error, "zone", zone.status().what());
  zone_ = *zone;
  auto format = format::TimeFormat::parse(options.text("time-format"));
  if (!format.ok()) return fail(error, "time-format", format.status().what());
  format_ = *std::move(format);
  if (!format_ || type_ == kVarchar) return true;
  return fail(error, "time-format", "'" + options.text("time") + "' is " + to_string(type_) + ", not text");
}

const char* TimeValues::read(const Column& values, std::size_t row, std::int64_t& instant) const {
  if (!values.valid(row)) return "the event time is NULL";
  switch (type_.kind) {
    case TypeKind::kBigint: return scaled(values.value<std::int64_t>(row), unit_, instant);
    case TypeKind::kDouble: return scaled(values.value<double>(row), unit_, instant);
    case TypeKind::kDate: instant = values.value<std::int32_t>(row) * kDay; return nullptr;
    case TypeKind::kVarchar: {
      std::uint64_t ambiguous = 0;
      const format::TimeRules rules{zone_.get(), format_.get(), unit_};
      return format::parse_timestamp(values.bytes(row), rules, instant, ambiguous) ? nullptr
                                                                                   : "the text is no event time";
    }
    default: instant = values.value<std::int64_t>(row); return nullptr;
  }
}

Column TimeValues::convert(const Column& values, std::vector<RowError>* errors) const {
  if (type_ == kTimestamp && !values.has_nulls()) return values;
  ColumnBuilder times(kTimestamp, values.size());
  for (std::uint32_t row = 0; row < values.size(); ++row) {
    std::int64_t instant = 0;
    if (const char* reason = read(values, row, instant)) {
      errors->push_back({row, reason});
      times.append_null();
    } else {
      times.append(instant);
    }
  }
  return times.finish();
}

}  // namespace stream
