// Text of dates, instants and intervals.
#include <charconv>
#include <cmath>
#include <cstdio>

#include "stages/expression/temporal.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
  }
  // Between `least` and `most` digits.
  bool number(std::size_t least, std::size_t most, std::int64_t& out) {
    out = 0;
    std::size_t count = 0;
    for (; count < most && digit(peek()); ++count) out = out * 10 + (text_[at_++] - '0');
    return count >= least;
  }
  // ".123456789": to microseconds, rounded.
  bool fraction_us(std::int64_t& us) {
    us = 0;
    if (!take('.')) return true;
    std::int64_t scale = 100'000;
    bool up = false;
    std::size_t count = 0;
    for (; digit(peek()); ++count, scale /= 10) {
      const int value = text_[at_++] - '0';
      if (count < 6) us += value * scale;
      if (count == 6) up = value >= 5;
    }
    us += up ? 1 : 0;
    return true;
  }
  std::string_view word() {
    const std::size_t begin = at_;
    while (!done() && ((peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z'))) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  std::string_view rest() const { return text_.substr(at_); }
  std::size_t position() const { return at_; }
  void go(std::size_t position) { at_ = position; }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

TemporalText read_date(Reader& in, std::int64_t& day) {
  Civil civil;
  std::int64_t month = 0;
  std::int64_t of_month = 0;
  const std::size_t begin = in.position();
  if (!in.number(4, 8, civil.year)) return TemporalText::kInvalid;
  if (in.position() - begin == 8) {  // 20260131
    of_month = civil.year % 100;
    month = civil.year / 100 % 100;
    civil.year /= 10000;
  } else if (in.position() - begin != 4 || !in.take('-') || !in.number(1, 2, month) || !in.take('-') ||
             !in.number(1, 2, of_month)) {
    return TemporalText::kInvalid;
  }
  if (month < 1 || month > 12 || civil.year < 1) return TemporalText::kOutOfRange;
  civil.month = static_cast<int>(month);
  if (of_month < 1 || of_month > days_in_month(civil.year, civil.month)) return TemporalText::kOutOfRange;
  civil.day = static_cast<int>(of_month);
  day = days_from_civil(civil);
  return TemporalText::kOk;
}

TemporalText read_clock(Reader& in, std::int64_t& us) {
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t fraction = 0;
  if (!in.number(1, 2, hour) || !in.take(':') || !in.number(2, 2, minute)) return TemporalText::kInvalid;
  if (in.take(':')) {
    if (!in.number(2, 2, second) || !in.fraction_us(fraction)) return TemporalText::kInvalid;
  }
  if (hour > 24 || minute > 59 || second > 60) return TemporalText::kOutOfRange;
  us = hour * kHourUs + minute * kMinuteUs + second * kSecondUs + fraction;
  return us > kDayUs ? TemporalText::kOutOfRange : TemporalText::kOk;
}

TemporalText read_offset(Reader& in, std::int64_t& us) {
  us = 0;
  in.skip_blanks();
  if (in.done()) return TemporalText::kOk;
  const std::size_t begin = in.position();
  const std::string zone = lower(in.word());
  if (zone == "z" || zone == "utc" || zone == "gmt") return TemporalText::kOk;
  in.go(begin);
  const bool minus = in.peek() == '-';
  if (!in.take('+') && !in.take('-')) return TemporalText::kInvalid;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  if (!in.number(1, 2, hour)) return TemporalText::kInvalid;
  if (in.take(':') || digit(in.peek())) {
    if (!in.number(2, 2, minute)) return TemporalText::kInvalid;
  }
  if (hour > 15 || minute > 59) return TemporalText::kOutOfRange;
  us = (hour * kHourUs + minute * kMinuteUs) * (minus ? -1 : 1);
  return TemporalText::kOk;
}

}  // namespace

TemporalText parse_timestamp(std::string_view text, std::int64_t& us) {
  text = trim(text);
  if (lower(text) == "epoch") {
    us = 0;
    return TemporalText::kOk;
  }
  Reader in(text);
  std::int64_t day = 0;
  std::int64_t clock = 0;
  std::int64_t offset = 0;
  if (const TemporalText status = read_date(in, day); status != TemporalText::kOk) return status;
  if (in.take('T') || in.take('t') || in.peek() == ' ') {
    in.skip_blanks();
    if (digit(in.peek())) {
      if (const TemporalText status = read_clock(in, clock); status != TemporalText::kOk) return status;
    }
  }
  if (const TemporalText status = read_offset(in, offset); status != TemporalText::kOk) return status;
  in.skip_blanks();
  if (!in.done()) return TemporalText::kInvalid;
  us = day * kDayUs + clock - offset;
  return valid_timestamp(us) ? TemporalText::kOk : TemporalText::kOutOfRange;
}

TemporalText parse_date(std::string_view text, std::int32_t& day) {
  // What stands behind the date is checked and dropped, as PostgreSQL does.
  std::int64_t us = 0;
  Reader in(trim(text));
  std::int64_t date = 0;
  if (lower(trim(text)) != "epoch") {
    if (const TemporalText status = read_date(in, date); status != TemporalText::kOk) return status;
    if (!in.done()) {
      if (const TemporalText status = parse_timestamp(text, us); status != TemporalText::kOk) return status;
    }
  }
  day = static_cast<std::int32_t>(date);
  return TemporalText::kOk;
}

namespace {

// Collects the parts of an interval; fractions spill into the next smaller unit.
class IntervalSum {
 public:
  // `text` is a signed decimal fraction. False if the unit is none or the sum leaves the range.
  TemporalText add(std::string_view text, Unit unit) {
    double value = 0;
    const char* begin = text.data() + (!text.empty() && text[0] == '+' ? 1 : 0);
    const auto [end, code] = std::from_chars(begin, text.data() + text.size(), value, std::chars_format::fixed);
    if (code != std::errc() || end != text.data() + text.size()) return TemporalText::kInvalid;
    switch (unit) {
      case Unit::kMicrosecond: us_ += std::rint(value); break;
      case Unit::kMillisecond: us_ += std::rint(value * 1e3); break;
      case Unit::kSecond: us_ += std::rint(value * 1e6); break;
      case Unit::kMinute: us_ += std::rint(value * 60e6); break;
      case Unit::kHour: us_ += std::rint(value * 3600e6); break;
      case Unit::kDay: add_days(value); break;
      case Unit::kWeek: add_days(value * 7); break;
      case Unit::kMonth: add_months(value); break;
      case Unit::kYear: months_ += std::rint(value * 12); break;
      case Unit::kDecade: months_ += std::rint(value * 120); break;
      case Unit::kCentury: months_ += std::rint(value * 1200); break;
      case Unit::kMillennium: months_ += std::rint(value * 12000); break;
      default: return TemporalText::kInvalid;
    }
    any_ = true;
    return TemporalText::kOk;
  }
  void add_us(double us) {
    us_ += us;
    any_ = true;
  }
  void negate() {
    months_ = -months_;
    days_ = -days_;
    us_ = -us_;
  }
  bool any() const { return any_; }
  TemporalText finish(Interval& out) const {
    if (std::fabs(months_) > 2147483647.0 || std::fabs(days_) > 2147483647.0 || std::fabs(us_) > 9.2e18) {
      return TemporalText::kOutOfRange;
    }
    out = {static_cast<std::int32_t>(months_), static_cast<std::int32_t>(days_), static_cast<std::int64_t>(us_)};
    return TemporalText::kOk;
  }

 private:
  void add_days(double value) {
    const double whole = std::trunc(value);
    days_ += whole;
    us_ += std::rint((value - whole) * 86400e6);
  }
  void add_months(double value) {
    const double whole = std::trunc(value);
    months_ += whole;
    add_days((value - whole) * 30);
  }

  double months_ = 0;
  double days_ = 0;
  double us_ = 0;
  bool any_ = false;
};

std::string_view read_number(Reader& in) {
  const std::size_t begin = in.position();
  if (!in.take('-')) in.take('+');
  while (digit(in.peek()) || in.peek() == '.') in.go(in.position() + 1);
  return in.since(begin);
}

// P1Y2M3W4DT5H6M7.5S
TemporalText parse_iso_interval(Reader in, Interval& out) {
  IntervalSum sum;
  bool time = false;
  while (!in.done()) {
    if (in.take('T')) {
      time = true;
      continue;
    }
    const std::string_view number = read_number(in);
    const char letter = in.peek();
    const Unit unit = letter == 'Y' && !time   ? Unit::kYear
                      : letter == 'M' && !time ? Unit::kMonth
                      : letter == 'W' && !time ? Unit::kWeek
                      : letter == 'D' && !time ? Unit::kDay
                      : letter == 'H' && time  ? Unit::kHour
                      : letter == 'M' && time  ? Unit::kMinute
                      : letter == 'S' && time  ? Unit::kSecond
                                               : Unit::kUnknown;
    if (sum.add(number, unit) != TemporalText::kOk) return TemporalText::kInvalid;
    in.take(letter);
  }
  return sum.any() ? sum.finish(out) : TemporalText::kInvalid;
}

// The "02:03:04.5" behind a number that was read as the hour.
TemporalText add_clock(Reader& in, std::string_view hours, IntervalSum& sum) {
  const bool negative = !hours.empty() && hours[0] == '-';
  const std::string_view digits = negative || (!hours.empty() && hours[0] == '+') ? hours.substr(1) : hours;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t fraction = 0;
  Reader hour_in(digits);
  if (!hour_in.number(1, 9, hour) || !hour_in.done()) return TemporalText::kInvalid;
  if (!in.take(':') || !in.number(1, 2, minute)) return TemporalText::kInvalid;
  if (in.take(':') && (!in.number(1, 2, second) || !in.fraction_us(fraction))) return TemporalText::kInvalid;
  if (minute > 59 || second > 60) return TemporalText::kOutOfRange;
  const std::int64_t us = hour * kHourUs + minute * kMinuteUs + second * kSecondUs + fraction;
  sum.add_us(static_cast<double>(negative ? -us : us));
  return TemporalText::kOk;
}

TemporalText add_part(Reader& in, std::string_view unit, IntervalSum& sum) {
  const std::string_view number = read_number(in);
  if (number.empty()) return TemporalText::kInvalid;
  if (in.peek() == ':') return add_clock(in, number, sum);
  if (in.peek() == '-' && digit(number.back())) {  // 1-2: years and months
    const bool negative = number[0] == '-';
    in.take('-');
    std::int64_t months = 0;
    if (!in.number(1, 2, months) || months > 11) return TemporalText::kOutOfRange;
    if (sum.add(number, Unit::kYear) != TemporalText::kOk) return TemporalText::kInvalid;
    return sum.add(std::to_string(negative ? -months : months), Unit::kMonth);
  }
  in.skip_blanks();
  const std::string_view word = in.word();
  return sum.add(number, parse_unit(word.empty() ? unit : word));
}

}  // namespace

TemporalText parse_interval(std::string_view text, std::string_view unit, Interval& out) {
  text = trim(text);
  Reader in(text);
  if (in.take('P')) return parse_iso_interval(in, out);
  in.take('@');
  IntervalSum sum;
  for (in.skip_blanks(); !in.done(); in.skip_blanks()) {
    if (lower(in.rest()) == "ago" && sum.any()) {
      sum.negate();
      return sum.finish(out);
    }
    if (const TemporalText status = add_part(in, unit, sum); status != TemporalText::kOk) return status;
  }
  return sum.any() ? sum.finish(out) : TemporalText::kInvalid;
}

namespace {

// "04:05:06.7"
std::string clock_text(std::int64_t us) {
  char text[48];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", static_cast<long long>(us / kHourUs),
                static_cast<long long>(us / kMinuteUs % 60), static_cast<long long>(us / kSecondUs % 60));
  std::string out = text;
  if (us % kSecondUs == 0) return out;
  std::snprintf(text, sizeof text, ".%06lld", static_cast<long long>(us % kSecondUs));
  out += text;
  return out.erase(out.find_last_not_of('0') + 1);
}

}  // namespace

std::string format_date(std::int32_t day) {
  const Civil civil = civil_from_days(day);
  char text[48];
  std::snprintf(text, sizeof text, "%04lld-%02d-%02d", static_cast<long long>(civil.year), civil.month, civil.day);
  return text;
}

std::string format_timestamp(std::int64_t us) {
  const Clocktime at = split_us(us);
  return format_date(static_cast<std::int32_t>(at.day)) + " " + clock_text(at.us) + "+00";
}

std::string format_interval(Interval interval) {
  std::string out;
  bool negative_before = false;
  const auto part = [&](std::int64_t value, const char* name) {
    if (value == 0) return;
    if (!out.empty()) out += ' ';
    if (negative_before && value > 0) out += '+';
    out += std::to_string(value) + " " + name + (value == 1 ? "" : "s");
    negative_before = value < 0;
  };
  part(interval.months / 12, "year");
  part(interval.months % 12, "mon");
  part(interval.days, "day");
  if (interval.microseconds == 0 && !out.empty()) return out;
  if (!out.empty()) out += ' ';
  if (interval.microseconds < 0) out += '-';
  if (interval.microseconds > 0 && negative_before) out += '+';
  // The magnitude of the least value is out of range; it is a microsecond off in text only.
  const std::int64_t us = interval.microseconds;
  return out + clock_text(us == INT64_MIN ? INT64_MAX : us < 0 ? -us : us);
}

}  // namespace stream::expression
