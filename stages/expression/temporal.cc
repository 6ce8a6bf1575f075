#include "stages/expression/temporal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

constexpr std::int64_t kDayMin = -719162;  // 0001-01-01
constexpr std::int64_t kDayMax = 2932896;  // 9999-12-31

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

std::int64_t iso_week_start_of_year(std::int64_t year) {
  const std::int64_t fourth = days_from_civil({year, 1, 4});
  return fourth - ((fourth + 3) % 7 + 7) % 7;
}

std::int64_t iso_year_of(std::int64_t day) {
  const std::int64_t year = civil_from_days(day).year;
  if (day < iso_week_start_of_year(year)) return year - 1;
  return day >= iso_week_start_of_year(year + 1) ? year + 1 : year;
}

int weekday(std::int64_t day) { return static_cast<int>(((day + 4) % 7 + 7) % 7); }  // Sunday = 0

// Centuries and the like count from year 1: the 21st starts in 2001.
std::int64_t group_of_years(std::int64_t year, std::int64_t size) { return floor_div(year + size - 1, size); }

}  // namespace

std::int64_t days_from_civil(Civil civil) {
  const std::int64_t y = civil.year - (civil.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (civil.month + (civil.month > 2 ? -3 : 9)) + 2) / 5 + civil.day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

Civil civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = floor_div(days, 146097);
  const std::int64_t of_era = days - era * 146097;
  const std::int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const std::int64_t mp = (5 * of_year + 2) / 153;
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {year + era * 400 + (month <= 2 ? 1 : 0), month, static_cast<int>(of_year - (153 * mp + 2) / 5 + 1)};
}

int days_in_month(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool valid_day(std::int64_t day) { return day >= kDayMin && day <= kDayMax; }
bool valid_timestamp(std::int64_t us) { return us >= kDayMin * kDayUs && us < (kDayMax + 1) * kDayUs; }

bool add_interval(std::int64_t us, Interval interval, int sign, std::int64_t& out) {
  if (!valid_timestamp(us)) return false;
  Clocktime at = split_us(us);
  if (interval.months != 0) {
    Civil civil = civil_from_days(at.day);
    const std::int64_t month = civil.year * 12 + civil.month - 1 + std::int64_t{interval.months} * sign;
    civil.year = floor_div(month, 12);
    civil.month = static_cast<int>(month - civil.year * 12) + 1;
    if (civil.year < 1 || civil.year > 9999) return false;
    civil.day = std::min(civil.day, days_in_month(civil.year, civil.month));
    at.day = days_from_civil(civil);
  }
  at.day += std::int64_t{interval.days} * sign;
  if (!valid_day(at.day)) return false;
  const __int128 sum =
      static_cast<__int128>(at.day) * kDayUs + at.us + static_cast<__int128>(interval.microseconds) * sign;
  if (sum > INT64_MAX || sum < INT64_MIN || !valid_timestamp(static_cast<std::int64_t>(sum))) return false;
  out = static_cast<std::int64_t>(sum);
  return true;
}

bool add_intervals(Interval a, Interval b, int sign, Interval& out) {
  if (sign < 0) {
    return !__builtin_sub_overflow(a.months, b.months, &out.months) &&
           !__builtin_sub_overflow(a.days, b.days, &out.days) &&
           !__builtin_sub_overflow(a.microseconds, b.microseconds, &out.microseconds);
  }
  return !__builtin_add_overflow(a.months, b.months, &out.months) &&
         !__builtin_add_overflow(a.days, b.days, &out.days) &&
         !__builtin_add_overflow(a.microseconds, b.microseconds, &out.microseconds);
}

// Fractions of months go to days, of days to time, as in PostgreSQL.
bool scale_interval(Interval interval, double by, bool divide, Interval& out) {
  const auto round6 = [](double value) { return std::rint(value * 1e6) / 1e6; };
  const auto scaled = [&](double value) { return divide ? value / by : value * by; };
  const double months = scaled(interval.months);
  const double days = scaled(interval.days);
  if (!(std::fabs(months) < 2147483647.0) || !(std::fabs(days) < 2147483647.0)) return false;
  out.months = static_cast<std::int32_t>(months);
  out.days = static_cast<std::int32_t>(days);
  double month_days = round6((months - out.months) * 30);
  double seconds = round6((days - out.days + month_days - std::trunc(month_days)) * 86400);
  if (std::fabs(seconds) >= 86400) {
    const double whole = std::trunc(seconds / 86400);
    out.days += static_cast<std::int32_t>(whole);
    seconds -= whole * 86400;
  }
  const double extra = std::trunc(month_days);
  if (__builtin_add_overflow(out.days, static_cast<std::int32_t>(extra), &out.days)) return false;
  const double us = std::rint(scaled(static_cast<double>(interval.microseconds)) + seconds * 1e6);
  if (!(std::fabs(us) < 9.2233720368547e18)) return false;
  out.microseconds = static_cast<std::int64_t>(us);
  return true;
}

Interval difference(std::int64_t a, std::int64_t b) {
  const std::int64_t us = a - b;
  return {0, static_cast<std::int32_t>(us / kDayUs), us % kDayUs};
}

Interval age(std::int64_t a, std::int64_t b) {
  const bool negative = a < b;
  if (negative) std::swap(a, b);
  const Clocktime ta = split_us(a);
  const Clocktime tb = split_us(b);
  const Civil ca = civil_from_days(ta.day);
  const Civil cb = civil_from_days(tb.day);
  std::int64_t us = ta.us - tb.us;
  std::int64_t days = ca.day - cb.day;
  std::int64_t months = (ca.year - cb.year) * 12 + ca.month - cb.month;
  if (us < 0) {
    us += kDayUs;
    --days;
  }
  if (days < 0) {
    days += days_in_month(cb.year, cb.month);  // the month of the earlier date is borrowed from
    --months;
  }
  const std::int64_t sign = negative ? -1 : 1;
  return {static_cast<std::int32_t>(months * sign), static_cast<std::int32_t>(days * sign), us * sign};
}

__int128 interval_span(Interval interval) {
  return (static_cast<__int128>(interval.months) * 30 + interval.days) * kDayUs + interval.microseconds;
}

Unit parse_unit(std::string_view name) {
  struct Entry {
    std::string_view name;
    Unit unit;
  };
  static constexpr std::array kUnits = {Entry{"microseconds", Unit::kMicrosecond},
                                        Entry{"microsecond", Unit::kMicrosecond},
                                        Entry{"us", Unit::kMicrosecond},
                                        Entry{"usec", Unit::kMicrosecond},
                                        Entry{"usecs", Unit::kMicrosecond},
                                        Entry{"milliseconds", Unit::kMillisecond},
                                        Entry{"millisecond", Unit::kMillisecond},
                                        Entry{"ms", Unit::kMillisecond},
                                        Entry{"msec", Unit::kMillisecond},
                                        Entry{"msecs", Unit::kMillisecond},
                                        Entry{"second", Unit::kSecond},
                                        Entry{"seconds", Unit::kSecond},
                                        Entry{"sec", Unit::kSecond},
                                        Entry{"secs", Unit::kSecond},
                                        Entry{"s", Unit::kSecond},
                                        Entry{"minute", Unit::kMinute},
                                        Entry{"minutes", Unit::kMinute},
                                        Entry{"min", Unit::kMinute},
                                        Entry{"mins", Unit::kMinute},
                                        Entry{"m", Unit::kMinute},
                                        Entry{"hour", Unit::kHour},
                                        Entry{"hours", Unit::kHour},
                                        Entry{"hr", Unit::kHour},
                                        Entry{"hrs", Unit::kHour},
                                        Entry{"h", Unit::kHour},
                                        Entry{"day", Unit::kDay},
                                        Entry{"days", Unit::kDay},
                                        Entry{"d", Unit::kDay},
                                        Entry{"week", Unit::kWeek},
                                        Entry{"weeks", Unit::kWeek},
                                        Entry{"w", Unit::kWeek},
                                        Entry{"month", Unit::kMonth},
                                        Entry{"months", Unit::kMonth},
                                        Entry{"mon", Unit::kMonth},
                                        Entry{"mons", Unit::kMonth},
                                        Entry{"quarter", Unit::kQuarter},
                                        Entry{"qtr", Unit::kQuarter},
                                        Entry{"year", Unit::kYear},
                                        Entry{"years", Unit::kYear},
                                        Entry{"y", Unit::kYear},
                                        Entry{"yr", Unit::kYear},
                                        Entry{"yrs", Unit::kYear},
                                        Entry{"decade", Unit::kDecade},
                                        Entry{"decades", Unit::kDecade},
                                        Entry{"dec", Unit::kDecade},
                                        Entry{"decs", Unit::kDecade},
                                        Entry{"century", Unit::kCentury},
                                        Entry{"centuries", Unit::kCentury},
                                        Entry{"c", Unit::kCentury},
                                        Entry{"cent", Unit::kCentury},
                                        Entry{"millennium", Unit::kMillennium},
                                        Entry{"millennia", Unit::kMillennium},
                                        Entry{"mil", Unit::kMillennium},
                                        Entry{"mils", Unit::kMillennium},
                                        Entry{"epoch", Unit::kEpoch},
                                        Entry{"dow", Unit::kDayOfWeek},
                                        Entry{"isodow", Unit::kIsoDayOfWeek},
                                        Entry{"doy", Unit::kDayOfYear},
                                        Entry{"isoyear", Unit::kIsoYear},
                                        Entry{"julian", Unit::kJulian},
                                        Entry{"timezone", Unit::kTimezone}};
  const std::string wanted = lower(name);
  for (const Entry& entry : kUnits) {
    if (entry.name == wanted) return entry.unit;
  }
  return Unit::kUnknown;
}

bool extract_timestamp(Unit unit, std::int64_t us, __int128& micros) {
  const Clocktime at = split_us(us);
  const auto whole = [&](std::int64_t value) {
    micros = static_cast<__int128>(value) * kSecondUs;
    return true;
  };
  // What needs no calendar.
  switch (unit) {
    case Unit::kMicrosecond: return whole(at.us % kMinuteUs);
    case Unit::kMillisecond: return micros = static_cast<__int128>(at.us % kMinuteUs) * 1000, true;
    case Unit::kSecond: return micros = at.us % kMinuteUs, true;
    case Unit::kMinute: return whole(at.us / kMinuteUs % 60);
    case Unit::kHour: return whole(at.us / kHourUs);
    case Unit::kEpoch: return micros = us, true;
    case Unit::kDayOfWeek: return whole(weekday(at.day));
    case Unit::kIsoDayOfWeek: return whole(weekday(at.day) == 0 ? 7 : weekday(at.day));
    case Unit::kJulian: return micros = static_cast<__int128>(at.day + 2440588) * kSecondUs + at.us / 86400, true;
    case Unit::kTimezone: return whole(0);
    default: break;
  }
  const Civil civil = civil_from_days(at.day);
  switch (unit) {
    case Unit::kDay: return whole(civil.day);
    case Unit::kWeek: return whole((at.day - iso_week_start_of_year(iso_year_of(at.day))) / 7 + 1);
    case Unit::kMonth: return whole(civil.month);
    case Unit::kQuarter: return whole((civil.month - 1) / 3 + 1);
    case Unit::kYear: return whole(civil.year);
    case Unit::kDecade: return whole(floor_div(civil.year, 10));
    case Unit::kCentury: return whole(group_of_years(civil.year, 100));
    case Unit::kMillennium: return whole(group_of_years(civil.year, 1000));
    case Unit::kDayOfYear: return whole(at.day - days_from_civil({civil.year, 1, 1}) + 1);
    case Unit::kIsoYear: return whole(iso_year_of(at.day));
    default: return false;
  }
}

bool extract_interval(Unit unit, Interval interval, __int128& micros) {
  const std::int64_t us = interval.microseconds;
  const auto whole = [&](std::int64_t value) {
    micros = static_cast<__int128>(value) * kSecondUs;
    return true;
  };
  switch (unit) {
    case Unit::kMicrosecond: return whole(us % kMinuteUs);
    case Unit::kMillisecond: return micros = static_cast<__int128>(us % kMinuteUs) * 1000, true;
    case Unit::kSecond: return micros = us % kMinuteUs, true;
    case Unit::kMinute: return whole(us / kMinuteUs % 60);
    case Unit::kHour: return whole(us / kHourUs);
    case Unit::kDay: return whole(interval.days);
    case Unit::kMonth: return whole(interval.months % 12);
    case Unit::kQuarter: return whole(interval.months % 12 / 3 + 1);
    case Unit::kYear: return whole(interval.months / 12);
    case Unit::kDecade: return whole(interval.months / 120);
    case Unit::kCentury: return whole(interval.months / 1200);
    case Unit::kMillennium: return whole(interval.months / 12000);
    case Unit::kEpoch: {
      // A year counts 365.25 days here, unlike in comparisons.
      const __int128 days = static_cast<__int128>(interval.months / 12) * 1461 * (kDayUs / 4) +
                            static_cast<__int128>(interval.months % 12 * 30 + std::int64_t{interval.days}) * kDayUs;
      return micros = days + us, true;
    }
    default: return false;
  }
}

bool truncate_timestamp(Unit unit, std::int64_t us, std::int64_t& out) {
  const Clocktime at = split_us(us);
  const auto within = [&](std::int64_t size) { return out = us - at.us % size, true; };
  const auto year = [&](std::int64_t first, int month) {
    out = days_from_civil({std::max<std::int64_t>(first, 1), month, 1}) * kDayUs;
    return true;
  };
  switch (unit) {
    case Unit::kMicrosecond: return out = us, true;
    case Unit::kMillisecond: return within(1000);
    case Unit::kSecond: return within(kSecondUs);
    case Unit::kMinute: return within(kMinuteUs);
    case Unit::kHour: return within(kHourUs);
    case Unit::kDay: return out = at.day * kDayUs, true;
    case Unit::kWeek: return out = (at.day - (weekday(at.day) + 6) % 7) * kDayUs, true;
    default: break;
  }
  const Civil civil = civil_from_days(at.day);
  switch (unit) {
    case Unit::kMonth: return year(civil.year, civil.month);
    case Unit::kQuarter: return year(civil.year, (civil.month - 1) / 3 * 3 + 1);
    case Unit::kYear: return year(civil.year, 1);
    case Unit::kDecade: return year(civil.year / 10 * 10, 1);
    case Unit::kCentury: return year((civil.year - 1) / 100 * 100 + 1, 1);
    case Unit::kMillennium: return year((civil.year - 1) / 1000 * 1000 + 1, 1);
    default: return false;
  }
}

bool truncate_interval(Unit unit, Interval interval, Interval& out) {
  out = interval;
  const auto months = [&](std::int32_t size) {
    out = {interval.months / size * size, 0, 0};
    return true;
  };
  const auto time = [&](std::int64_t size) {
    out.microseconds = interval.microseconds / size * size;
    return true;
  };
  switch (unit) {
    case Unit::kMicrosecond: return true;
    case Unit::kMillisecond: return time(1000);
    case Unit::kSecond: return time(kSecondUs);
    case Unit::kMinute: return time(kMinuteUs);
    case Unit::kHour: return time(kHourUs);
    case Unit::kDay: return out.microseconds = 0, true;
    case Unit::kMonth: return months(1);
    case Unit::kQuarter: return months(3);
    case Unit::kYear: return months(12);
    case Unit::kDecade: return months(120);
    case Unit::kCentury: return months(1200);
    case Unit::kMillennium: return months(12000);
    default: return false;
  }
}

}  // namespace stream::expression
