// Instants and dates from text, and to text. Pure; years 0000 to 9999 are read, any is printed.
#pragma once

#include <cstdint>
#include <string_view>

#include "stages/format/options.h"

namespace stream::format {

class Zone;
class TimeFormat;

// Days since 1970-01-01 in the proleptic Gregorian calendar, and back.
constexpr std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;  // a year that starts in March has its leap day last
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct Civil {
  std::int64_t year;
  unsigned month;
  unsigned day;
};
Civil civil_of(std::int64_t days);
constexpr bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }
unsigned days_in_month(std::int64_t year, unsigned month);

// What a column of times means; borrowed, must outlive its users.
struct TimeRules {
  const Zone* zone = nullptr;          // of times without an offset; null = UTC
  const TimeFormat* format = nullptr;  // null = RFC 3339 / ISO 8601
  TimeUnit unit = TimeUnit::kNone;     // of numbers; none = numbers are no times
};

// Reads "2024-02-29T23:59:59.123456789+02:00": T, t or a blank; seconds, fraction (any digits, cut to
// microseconds; point or comma) and offset (Z, z, +hh, +hhmm, +hh:mm) may be missing, and so may the
// whole time of day. Second 60 is the next minute's 0. False for anything else.
// `ambiguous` is raised by 1 where the zone's clock skips or repeats the time: the earlier instant wins.
bool parse_rfc3339(std::string_view text, const Zone* zone, std::int64_t& instant_us, std::uint64_t& ambiguous);

// By the rules: the format if there is one, else RFC 3339, else a number if there is a unit.
bool parse_timestamp(std::string_view text, const TimeRules& rules, std::int64_t& instant_us, std::uint64_t& ambiguous);
// A JSON or plain number "1700000000.25" of the unit, cut to microseconds. False without a unit.
bool parse_time_number(std::string_view text, TimeUnit unit, std::int64_t& instant_us);

// "2024-02-29".
bool parse_date(std::string_view text, std::int32_t& days);

// True for an ISO 8601 date with a time of day: what inference takes for a TIMESTAMP.
bool looks_like_timestamp(std::string_view text);

inline constexpr std::size_t kTimestampSize = 40;
inline constexpr std::size_t kDateSize = 24;
// "2024-02-29T23:59:59.5Z": trailing zeros of the fraction are cut. Returns the byte behind.
char* print_timestamp(char* to, std::int64_t instant_us);
char* print_date(char* to, std::int32_t days);

}  // namespace stream::format
