#include <cmath>

#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/operators.h"
#include "stages/expression/temporal.h"
#include "stages/expression/time_pattern.h"
#include "stages/expression/zone.h"

namespace stream::expression {
namespace {

using std::int64_t;
using Bytes = std::string_view;

constexpr char kNoUnit[] = "unit of time not recognized";
constexpr char kNoZone[] = "time zone not recognized";
constexpr CallTraits kSlow{.cost = 40};

double micros_to_double(__int128 micros) { return static_cast<double>(micros) / 1e6; }

const char* part_of_timestamp(Bytes field, int64_t us, double& out) {
  __int128 micros = 0;
  if (!extract_timestamp(parse_unit(field), us, micros)) return kNoUnit;
  out = micros_to_double(micros);
  return nullptr;
}

const char* part_of_interval(Bytes field, Interval interval, double& out) {
  __int128 micros = 0;
  if (!extract_interval(parse_unit(field), interval, micros)) return kNoUnit;
  out = micros_to_double(micros);
  return nullptr;
}

// The hour, or the minute: no calendar, no error.
Made time_of_day(Unit unit) {
  const int64_t all = unit == Unit::kHour ? kDayUs : kHourUs;
  const int64_t one = unit == Unit::kHour ? kHourUs : kMinuteUs;
  return {kBigint,
          map<int64_t, Bytes, int64_t>([=](Bytes, int64_t us) {
            const int64_t rest = us % all;
            return (rest < 0 ? rest + all : rest) / one;
          }),
          {.total = true, .cost = 4}};
}

// extract(): whole fields are BIGINT, those with a fraction DECIMAL(38,6). A field that is no
// constant may be either, so it is DECIMAL(38,6).
template <class T, class F>
Maker extract_maker(F extract) {
  return [extract](std::span<const NodePtr> arguments) -> Made {
    std::string text;
    const bool known = literal_text(*arguments[0], &text) != nullptr;
    const Unit unit = known ? parse_unit(text) : Unit::kUnknown;
    const bool fraction =
        !known || unit == Unit::kSecond || unit == Unit::kMillisecond || unit == Unit::kEpoch || unit == Unit::kJulian;
    if constexpr (std::is_same_v<T, int64_t>) {
      if (unit == Unit::kHour || unit == Unit::kMinute) return time_of_day(unit);
    }
    if (!fraction) {
      return {kBigint,
              map_checked<int64_t, Bytes, T>([=](Bytes, T value, int64_t& out) -> const char* {
                __int128 micros = 0;
                if (!extract(unit, value, micros)) return kNoUnit;
                out = static_cast<int64_t>(micros / kSecondUs);
                return nullptr;
              }),
              {.cost = 15}};
    }
    return {decimal_type(38, 6),
            map_checked<Decimal, Bytes, T>([=](Bytes field, T value, Decimal& out) -> const char* {
              return extract(known ? unit : parse_unit(field), value, out) ? nullptr : kNoUnit;
            }),
            {.cost = 15}};
  };
}

const char* trunc_timestamp(Bytes field, int64_t us, int64_t& out) {
  if (!truncate_timestamp(parse_unit(field), us, out)) return kNoUnit;
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

const char* trunc_zoned(Bytes field, int64_t us, Bytes name, int64_t& out) {
  const Zone* zone = find_zone(name);
  if (zone == nullptr) return kNoZone;
  const Unit unit = parse_unit(field);
  const int64_t offset = zone->offset_s(us) * kSecondUs;
  int64_t local = 0;
  if (!truncate_timestamp(unit, us + offset, local)) return kNoUnit;
  // Within the hour the offset stays, so that the repeated hour of a clock set back keeps apart.
  out = unit <= Unit::kHour ? local - offset : zone->to_utc(local);
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

// Length of the units that a day is a whole number of, else 0.
int64_t fixed_size(Unit unit) {
  switch (unit) {
    case Unit::kMillisecond: return 1000;
    case Unit::kSecond: return kSecondUs;
    case Unit::kMinute: return kMinuteUs;
    case Unit::kHour: return kHourUs;
    case Unit::kDay: return kDayUs;
    default: return 0;
  }
}

// A constant unit is looked up once; days and shorter units then need only integer arithmetic.
Made trunc_made(std::span<const NodePtr> arguments) {
  std::string text;
  if (literal_text(*arguments[0], &text) == nullptr) {
    return {kTimestamp, map_checked<int64_t, Bytes, int64_t>(trunc_timestamp), kSlow};
  }
  const Unit unit = parse_unit(text);
  if (const int64_t size = fixed_size(unit)) {
    return {kTimestamp,
            map<int64_t, Bytes, int64_t>([size](Bytes, int64_t us) {
              const int64_t rest = us % size;
              return us - rest - (rest < 0 ? size : 0);
            }),
            {.total = true}};
  }
  return {kTimestamp,
          map_checked<int64_t, Bytes, int64_t>([unit](Bytes, int64_t us, int64_t& out) -> const char* {
            return truncate_timestamp(unit, us, out) ? nullptr : kNoUnit;
          }),
          {.cost = 10}};
}

const char* date_bin(Interval stride, int64_t us, int64_t origin, int64_t& out) {
  if (stride.months != 0) return "a bin's stride must not contain months or years";
  const __int128 size = static_cast<__int128>(stride.days) * kDayUs + stride.microseconds;
  if (size <= 0 || size > INT64_MAX) return "a bin's stride must be positive";
  const __int128 since = static_cast<__int128>(us) - origin;
  const __int128 begin = us - ((since % size) + size) % size;
  if (begin < INT64_MIN || begin > INT64_MAX) return kTimestampRange;
  out = static_cast<int64_t>(begin);
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

const char* timestamp_of_seconds(double seconds, int64_t& out) {
  // PostgreSQL counts from 2000, and so rounds from there.
  constexpr int64_t kYear2000 = 946'684'800;
  const double us = std::rint((seconds - kYear2000) * 1e6);
  if (!(std::fabs(us) < 4e18)) return kTimestampRange;
  out = static_cast<int64_t>(us) + kYear2000 * kSecondUs;
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

const char* make_day(int64_t year, int64_t month, int64_t day, int64_t& out) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return kDateRange;
  if (day > days_in_month(year, static_cast<int>(month))) return kDateRange;
  out = days_from_civil({year, static_cast<int>(month), static_cast<int>(day)});
  return nullptr;
}

const char* make_date(int64_t year, int64_t month, int64_t day, std::int32_t& out) {
  int64_t days = 0;
  if (const char* reason = make_day(year, month, day, days)) return reason;
  out = static_cast<std::int32_t>(days);
  return nullptr;
}

const char* make_timestamp(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute, double second,
                           int64_t& out) {
  int64_t days = 0;
  if (const char* reason = make_day(year, month, day, days)) return reason;
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second <= 60)) return kTimestampRange;
  const int64_t us = hour * kHourUs + minute * kMinuteUs + static_cast<int64_t>(std::rint(second * 1e6));
  if (us > kDayUs) return kTimestampRange;
  out = days * kDayUs + us;
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

const char* at_zone(Bytes name, int64_t us, int64_t& out) {
  const Zone* zone = find_zone(name);
  if (zone == nullptr) return kNoZone;
  out = zone->to_local(us);
  return valid_timestamp(out) ? nullptr : kTimestampRange;
}

Column now_column(const Call& call, std::span<const Value>) {
  ColumnBuilder builder(kTimestamp, call.rows);
  for (std::size_t i = 0; i < call.rows; ++i) builder.append(call.now);
  return builder.finish();
}

void add_arithmetic(Functions& f) {
  for (const int sign : {1, -1}) {
    const char* op = sign > 0 ? "+" : "-";
    f.add(op, "sv", kTimestamp,
          map_checked<int64_t, int64_t, Interval>([sign](int64_t us, Interval interval, int64_t& out) -> const char* {
            return add_interval(us, interval, sign, out) ? nullptr : kTimestampRange;
          }),
          {.cost = 10});
    f.add(op, "vv", kInterval,
          map_checked<Interval, Interval, Interval>([sign](Interval a, Interval b, Interval& out) -> const char* {
            return add_intervals(a, b, sign, out) ? nullptr : kIntervalRange;
          }));
    f.add(op, "di", kDate,
          map_checked<std::int32_t, std::int32_t, int64_t>(
              [sign](std::int32_t day, int64_t count, std::int32_t& out) -> const char* {
                if (count > 10'000'000 || count < -10'000'000 || !valid_day(day + sign * count)) return kDateRange;
                out = static_cast<std::int32_t>(day + sign * count);
                return nullptr;
              }));
  }
  f.add("-", "ss", kInterval, map<Interval, int64_t, int64_t>(difference), {.total = true});
  f.add("-", "dd", kBigint,
        map<int64_t, std::int32_t, std::int32_t>([](std::int32_t a, std::int32_t b) { return int64_t{a} - b; }),
        {.total = true});
  f.add("*", "vf", kInterval,
        map_checked<Interval, Interval, double>([](Interval interval, double factor, Interval& out) -> const char* {
          return scale_interval(interval, factor, false, out) ? nullptr : kIntervalRange;
        }));
  f.add("/", "vf", kInterval,
        map_checked<Interval, Interval, double>([](Interval interval, double divisor, Interval& out) -> const char* {
          if (divisor == 0) return kDivisionByZero;
          return scale_interval(interval, divisor, true, out) ? nullptr : kIntervalRange;
        }));
}

// Rows follow one another with one pattern and times that are close together: what was written last is kept for as
// long as it stays the same.
const char* to_char(int64_t us, Bytes text, Text& out) {
  struct Last {
    std::string text;
    TimePattern pattern;
    const char* refused = nullptr;
    int64_t from = 0;
    int64_t until = 0;  // of the instants that are written so
    std::string written;
  };
  thread_local Last last;
  if (last.text != text) {
    last.text.assign(text);
    last.refused = last.pattern.parse(text);
    last.until = last.from;
  }
  if (last.refused != nullptr) return last.refused;
  if (us < last.from || us >= last.until) {
    last.written.clear();
    last.pattern.append(us, last.written);
    const int64_t step = last.pattern.step();
    last.from = us - (us % step + step) % step;
    last.until = last.from + step;
  }
  out.append(last.written);
  return nullptr;
}

}  // namespace

void add_time_functions(Functions& f) {
  add_arithmetic(f);
  for (const char* name : {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"}) {
    f.add(name, "", kTimestamp, now_column, {.total = true, .deterministic = false});
  }
  f.add("date_part", "ts", kDouble, map_checked<double, Bytes, int64_t>(part_of_timestamp), kSlow);
  f.add("date_part", "tv", kDouble, map_checked<double, Bytes, Interval>(part_of_interval), kSlow);
  f.add_made("extract", "ts", extract_maker<int64_t>(extract_timestamp));
  f.add_made("extract", "tv", extract_maker<Interval>(extract_interval));
  f.add_made("date_trunc", "ts", trunc_made);
  f.add("date_trunc", "tst", kTimestamp, map_checked<int64_t, Bytes, int64_t, Bytes>(trunc_zoned), {.cost = 150});
  f.add("date_trunc", "tv", kInterval,
        map_checked<Interval, Bytes, Interval>([](Bytes field, Interval interval, Interval& out) -> const char* {
          return truncate_interval(parse_unit(field), interval, out) ? nullptr : kNoUnit;
        }),
        kSlow);
  f.add("date_bin", "vss", kTimestamp, map_checked<int64_t, Interval, int64_t, int64_t>(date_bin), {.cost = 20});
  f.add("to_timestamp", "f", kTimestamp, map_checked<int64_t, double>(timestamp_of_seconds));
  f.add("to_char", "st", kVarchar, map_checked<Text, int64_t, Bytes>([](int64_t us, Bytes pattern, Text& out) {
          return to_char(us, pattern, out);
        }),
        kSlow);
  f.add("make_date", "iii", kDate, map_checked<std::int32_t, int64_t, int64_t, int64_t>(make_date));
  for (const char* name : {"make_timestamp", "make_timestamptz"}) {
    f.add(name, "iiiiif", kTimestamp,
          map_checked<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double>(make_timestamp));
  }
  f.add("timezone", "ts", kTimestamp, map_checked<int64_t, Bytes, int64_t>(at_zone), {.cost = 60});
  f.add("age", "ss", kInterval, map<Interval, int64_t, int64_t>(age), {.total = true, .cost = 20});
}

}  // namespace stream::expression
