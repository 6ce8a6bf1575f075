// Dates, instants and intervals with PostgreSQL's rules in UTC: calendar, text, arithmetic.
// Dates and instants reach from year 1 to year 9999; what leads outside is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/record/type.h"

namespace stream::expression {

inline constexpr std::int64_t kSecondUs = 1'000'000;
inline constexpr std::int64_t kMinuteUs = 60 * kSecondUs;
inline constexpr std::int64_t kHourUs = 60 * kMinuteUs;
inline constexpr std::int64_t kDayUs = 24 * kHourUs;

struct Civil {
  std::int64_t year = 1970;
  int month = 1;  // 1..12
  int day = 1;
};
std::int64_t days_from_civil(Civil civil);
Civil civil_from_days(std::int64_t days);
int days_in_month(std::int64_t year, int month);

struct Clocktime {
  std::int64_t day = 0;  // since the epoch
  std::int64_t us = 0;   // of the day, not negative
};
inline Clocktime split_us(std::int64_t us) {
  const std::int64_t day = us / kDayUs - (us % kDayUs < 0 ? 1 : 0);
  return {day, us - day * kDayUs};
}

bool valid_timestamp(std::int64_t us);
bool valid_day(std::int64_t day);

enum class TemporalText : std::uint8_t { kOk, kInvalid, kOutOfRange };

// "2026-01-31", "2026-01-31 12:30", "2026-01-31T12:30:05.25+02:00", …Z, "epoch"; without an offset UTC.
TemporalText parse_timestamp(std::string_view text, std::int64_t& us);
TemporalText parse_date(std::string_view text, std::int32_t& day);
// "1 day 02:03:04", "1.5 hours", "-3 mons ago", "P1DT2H", "1-2". A bare number counts `unit`
// ("second" unless the SQL says otherwise).
TemporalText parse_interval(std::string_view text, std::string_view unit, Interval& out);

std::string format_timestamp(std::int64_t us);  // "2026-01-31 12:30:05.25+00"
std::string format_date(std::int32_t day);
std::string format_interval(Interval interval);  // "1 year 2 mons 3 days 04:05:06.7"

// False when the result is out of range.
bool add_interval(std::int64_t us, Interval interval, int sign, std::int64_t& out);
bool add_intervals(Interval a, Interval b, int sign, Interval& out);
bool scale_interval(Interval interval, double by, bool divide, Interval& out);
Interval difference(std::int64_t a, std::int64_t b);  // days and time, as timestamptz - timestamptz
Interval age(std::int64_t a, std::int64_t b);         // years, months, days, time
// Total order: a month counts 30 days, a day 24 hours.
__int128 interval_span(Interval interval);

enum class Unit : std::uint8_t {
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kDecade,
  kCentury,
  kMillennium,
  kEpoch,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kIsoYear,
  kJulian,
  kTimezone,
  kUnknown,
};
Unit parse_unit(std::string_view name);

// The field as 10^6 times its value (seconds carry a fraction). False if the type has no such field.
bool extract_timestamp(Unit unit, std::int64_t us, __int128& micros);
bool extract_interval(Unit unit, Interval interval, __int128& micros);
bool truncate_timestamp(Unit unit, std::int64_t us, std::int64_t& out);
bool truncate_interval(Unit unit, Interval interval, Interval& out);

}  // namespace stream::expression
