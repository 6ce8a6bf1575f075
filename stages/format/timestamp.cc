#include "stages/format/timestamp.h"

#include <smmintrin.h>
#include <tmmintrin.h>

#include <charconv>
#include <cstring>

#include "stages/format/scan.h"
#include "stages/format/time_format.h"
#include "stages/format/zone.h"

namespace stream::format {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400;

// Checks "dddd-dd-dd?dd:dd" at once and leaves YY YY MM DD HH MM in 16-bit lanes.
bool read_date_and_minute(const char* p, std::uint16_t (&out)[8]) {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i base = _mm_setr_epi8('0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 0, '0', '0', ':', '0', '0');
  const __m128i limit = _mm_setr_epi8(9, 9, 9, 9, 0, 1, 9, 0, 3, 9, -1, 2, 9, 0, 5, 9);
  const __m128i digits = _mm_sub_epi8(text, base);
  if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digits, limit), digits)) != 0xffff) return false;
  const __m128i packed =
      _mm_shuffle_epi8(digits, _mm_setr_epi8(0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1));
  const __m128i pairs = _mm_maddubs_epi16(packed, _mm_set1_epi16(0x010a));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), pairs);
  return true;
}

// days_of() for the years 0 to 9999, in 32-bit arithmetic.
std::int64_t days_of_common_era(unsigned year, unsigned month, unsigned day) {
  year += 400 - (month <= 2);  // never negative
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned century = year / 100;
  return static_cast<std::int64_t>(365 * year + year / 4 - century + century / 4 + day_of_year) - 719468 - 146097;
}

bool two_digits(const char* p, unsigned& value) {
  if (!is_digit(p[0]) || !is_digit(p[1])) return false;
  value = static_cast<unsigned>((p[0] - '0') * 10 + (p[1] - '0'));
  return true;
}

// Digits behind the point, cut to microseconds. Returns the byte behind them, or null if there are none.
const char* read_fraction(const char* p, const char* end, std::int64_t& us) {
  const char* start = p;
  const char* kept_end = end - p > 6 ? p + 6 : end;
  std::uint64_t value = 0;
  for (; p != kept_end && is_digit(*p); ++p) value = value * 10 + static_cast<std::uint64_t>(*p - '0');
  us = static_cast<std::int64_t>(value * kPowersOfTen[6 - (p - start)]);
  while (p != end && is_digit(*p)) ++p;
  return p == start ? nullptr : p;
}

// [+-]hh[[:]mm]. Returns the byte behind it, or null.
const char* read_offset(const char* p, const char* end, std::int64_t& offset_s) {
  const bool west = *p++ == '-';
  unsigned hours = 0;
  unsigned minutes = 0;
  if (end - p < 2 || !two_digits(p, hours)) return nullptr;
  p += 2;
  if (p != end) {
    p += *p == ':';
    if (end - p < 2 || !two_digits(p, minutes)) return nullptr;
    p += 2;
  }
  if (hours > 23 || minutes > 59) return nullptr;
  offset_s = (west ? -1 : 1) * static_cast<std::int64_t>(hours * 3600 + minutes * 60);
  return p;
}

bool finish_local(std::int64_t local_s, std::int64_t us, const Zone* zone, std::int64_t& instant_us,
                  std::uint64_t& ambiguous) {
  if (zone != nullptr && !zone->is_utc()) {
    const Zone::Instant instant = zone->instant_of(local_s);
    local_s = instant.utc_s;
    ambiguous += instant.ambiguous;
  }
  instant_us = local_s * kSecond + us;
  return true;
}

char* print_two(char* to, unsigned value) {
  *to++ = static_cast<char>('0' + value / 10);
  *to++ = static_cast<char>('0' + value % 10);
  return to;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0); }

int decimals_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds: return 6;
    case TimeUnit::kMilliseconds: return 3;
    case TimeUnit::kMicroseconds: return 0;
    case TimeUnit::kNanoseconds: return -3;
    case TimeUnit::kNone: break;
  }
  return 0;
}

}  // namespace

Civil civil_of(std::int64_t days) {
  days += 719468;
  const std::int64_t era = floor_divide(days, 146097);
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month = (5 * day_of_year + 2) / 153;  // from March
  const unsigned calendar_month = month < 10 ? month + 3 : month - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (calendar_month <= 2), calendar_month,
          day_of_year - (153 * month + 2) / 5 + 1};
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr unsigned char kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

bool parse_date(std::string_view text, std::int32_t& days) {
  unsigned century = 0;
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const char* p = text.data();
  if (text.size() != 10 || p[4] != '-' || p[7] != '-' || !two_digits(p, century) || !two_digits(p + 2, year) ||
      !two_digits(p + 5, month) || !two_digits(p + 8, day)) {
    return false;
  }
  year += century * 100;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
  days = static_cast<std::int32_t>(days_of(year, month, day));
  return true;
}

bool parse_rfc3339(std::string_view text, const Zone* zone, std::int64_t& instant_us, std::uint64_t& ambiguous) {
  if (text.size() < 16) {
    std::int32_t days = 0;
    return parse_date(text, days) && finish_local(days * kDay, 0, zone, instant_us, ambiguous);
  }
  const char* p = text.data();
  const char* end = p + text.size();
  std::uint16_t part[8];
  if (!read_date_and_minute(p, part) || ((p[10] | 0x20) != 't' && p[10] != ' ')) return false;
  const unsigned year = part[0] * 100U + part[1];
  const unsigned month = part[2];
  const unsigned day = part[3];
  if (month < 1 || month > 12 || day < 1 || (day > 28 && day > days_in_month(year, month)) || part[4] > 23)
    return false;
  std::int64_t local_s = days_of_common_era(year, month, day) * kDay + part[4] * 3600 + part[5] * 60;
  std::int64_t us = 0;
  p += 16;
  if (p != end && *p == ':') {
    unsigned second = 0;
    if (end - p < 3 || !two_digits(p + 1, second) || second > 60) return false;
    local_s += second;
    p += 3;
    if (p != end && (*p == '.' || *p == ',')) {
      p = read_fraction(p + 1, end, us);
      if (p == nullptr) return false;
    }
  }
  if (p == end) return finish_local(local_s, us, zone, instant_us, ambiguous);
  std::int64_t offset_s = 0;
  if ((*p | 0x20) == 'z') {
    ++p;
  } else if (*p == '+' || *p == '-') {
    p = read_offset(p, end, offset_s);
  } else {
    return false;
  }
  instant_us = (local_s - offset_s) * kSecond + us;
  return p == end;
}

bool parse_time_number(std::string_view text, TimeUnit unit, std::int64_t& instant_us) {
  if (unit == TimeUnit::kNone || text.empty()) return false;
  const bool negative = text[0] == '-';
  const char* p = text.data() + negative;
  const char* end = text.data() + text.size();
  __int128 value = 0;
  const char* start = p;
  for (; p != end && is_digit(*p) && p - start < 20; ++p) value = value * 10 + (*p - '0');
  if (p == start) return false;
  int decimals = decimals_of(unit);
  bool cut = false;  // digits below a microsecond that are not 0
  if (p != end && *p == '.') {
    const char* point = ++p;
    for (; p != end && is_digit(*p); ++p) {
      if (decimals > 0) {
        value = value * 10 + (*p - '0');
        --decimals;
      } else {
        cut = cut || *p != '0';
      }
    }
    if (p == point) return false;
  }
  if (p != end) return false;
  for (; decimals > 0; --decimals) value *= 10;
  for (; decimals < 0; ++decimals) {
    cut = cut || value % 10 != 0;
    value /= 10;
  }
  if (negative) value = -value - (cut ? 1 : 0);  // cut towards the past, as for any other time
  if (value > INT64_MAX || value < INT64_MIN) return false;
  instant_us = static_cast<std::int64_t>(value);
  return true;
}

bool parse_timestamp(std::string_view text, const TimeRules& rules, std::int64_t& instant_us,
                     std::uint64_t& ambiguous) {
  if (rules.format != nullptr) return rules.format->read(text, rules.zone, instant_us, ambiguous);
  if (parse_rfc3339(text, rules.zone, instant_us, ambiguous)) return true;
  return rules.unit != TimeUnit::kNone && parse_time_number(text, rules.unit, instant_us);
}

bool looks_like_timestamp(std::string_view text) {
  std::int64_t instant = 0;
  std::uint64_t ambiguous = 0;
  return text.size() >= 16 && parse_rfc3339(text, nullptr, instant, ambiguous);
}

char* print_date(char* to, std::int32_t days) {
  const Civil date = civil_of(days);
  if (date.year >= 0 && date.year <= 9999) {
    to = print_two(to, static_cast<unsigned>(date.year) / 100);
    to = print_two(to, static_cast<unsigned>(date.year) % 100);
  } else {
    if (date.year > 0) *to++ = '+';
    to = std::to_chars(to, to + 8, date.year).ptr;
  }
  *to++ = '-';
  to = print_two(to, date.month);
  *to++ = '-';
  return print_two(to, date.day);
}

char* print_timestamp(char* to, std::int64_t instant_us) {
  const std::int64_t seconds = floor_divide(instant_us, kSecond);
  // Not by subtraction: seconds * kSecond is beyond the smallest instants.
  const std::int64_t rest = instant_us % kSecond;
  auto us = static_cast<unsigned>(rest < 0 ? rest + kSecond : rest);
  const std::int64_t days = floor_divide(seconds, kDay);
  const auto second = static_cast<unsigned>(seconds - days * kDay);
  to = print_date(to, static_cast<std::int32_t>(days));
  *to++ = 'T';
  to = print_two(to, second / 3600);
  *to++ = ':';
  to = print_two(to, second / 60 % 60);
  *to++ = ':';
  to = print_two(to, second % 60);
  if (us != 0) {
    *to++ = '.';
    for (unsigned unit = 100'000; us != 0; unit /= 10) {
      *to++ = static_cast<char>('0' + us / unit);
      us %= unit;
    }
  }
  *to++ = 'Z';
  return to;
}

}  // namespace stream::format
