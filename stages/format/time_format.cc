#include "stages/format/time_format.h"

#include <array>
#include <cctype>

#include "stages/format/scan.h"
#include "stages/format/timestamp.h"
#include "stages/format/zone.h"

namespace stream::format {
namespace {

constexpr std::string_view kConversions = "YymbBhdejaAHkIlpMSfzZsnt%";
constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};

std::string_view written_out(char conversion) {
  switch (conversion) {
    case 'T': return "%H:%M:%S";
    case 'R': return "%H:%M";
    case 'F': return "%Y-%m-%d";
    case 'D': return "%m/%d/%y";
    default: return {};
  }
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct Fields {
  std::int64_t year = 1970;
  std::int64_t month = 1, day = 1, day_of_year = 0;
  std::int64_t hour = 0, minute = 0, second = 0, us = 0;
  std::int64_t epoch = 0, offset = 0;
  bool afternoon = false, twelve = false, has_epoch = false, has_offset = false;
};

class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}
  bool empty() const { return rest_.empty(); }

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }

  bool literal(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool number(int digits_max, std::int64_t low, std::int64_t high, std::int64_t& value) {
    skip_blanks();
    int digits = 0;
    value = 0;
    for (; digits < digits_max && !rest_.empty() && is_digit(rest_[0]); ++digits) {
      value = value * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return digits > 0 && value >= low && value <= high;
  }

  bool fraction(std::int64_t& us) {
    int digits = 0;
    std::int64_t unit = 100'000;
    us = 0;
    for (; digits < 9 && !rest_.empty() && is_digit(rest_[0]); ++digits, unit /= 10) {
      us += (rest_[0] - '0') * unit;
      rest_.remove_prefix(1);
    }
    return digits > 0;
  }

  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, std::int64_t& index) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!word(names[i]) && !word(names[i].substr(0, 3))) continue;
      index = static_cast<std::int64_t>(i);
      return true;
    }
    return false;
  }

  bool word(std::string_view lower_case) {
    if (rest_.size() < lower_case.size()) return false;
    for (std::size_t i = 0; i < lower_case.size(); ++i) {
      if (std::tolower(static_cast<unsigned char>(rest_[i])) != lower_case[i]) return false;
    }
    rest_.remove_prefix(lower_case.size());
    return true;
  }

  bool offset(std::int64_t& seconds) {
    skip_blanks();
    if (literal('Z') || literal('z')) return true;
    const bool west = !rest_.empty() && rest_[0] == '-';
    if (!literal('-') && !literal('+')) return false;
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!number(2, 0, 23, hours)) return false;
    if (literal(':') || (!rest_.empty() && is_digit(rest_[0]))) {
      if (!number(2, 0, 59, minutes)) return false;
    }
    seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
  }

  bool zone_name(Fields& fields) {
    std::size_t size = 0;
    while (size < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[size])) != 0) ++size;
    const std::string_view name = rest_.substr(0, size);
    fields.has_offset = fields.has_offset || name == "UTC" || name == "GMT" || name == "Z";
    rest_.remove_prefix(size);
    return size > 0;
  }

  bool half(Fields& fields) {
    fields.afternoon = word("pm");
    return fields.afternoon || word("am");
  }

 private:
  std::string_view rest_;
};

bool read_epoch(TextReader& in, Fields& fields) {
  const bool negative = in.literal('-');
  fields.has_epoch = in.number(12, 0, INT64_MAX, fields.epoch);
  if (negative) fields.epoch = -fields.epoch;
  return fields.has_epoch;
}

bool read_short_year(TextReader& in, Fields& fields) {
  if (!in.number(2, 0, 99, fields.year)) return false;
  fields.year += fields.year < 69 ? 2000 : 1900;  // as POSIX
  return true;
}

bool read_conversion(char conversion, TextReader& in, Fields& f) {
  std::int64_t ignored = 0;
  switch (conversion) {
    case 'Y': return in.number(4, 0, 9999, f.year);
    case 'y': return read_short_year(in, f);
    case 'm': return in.number(2, 1, 12, f.month);
    case 'b':
    case 'B':
    case 'h':
      if (!in.name(kMonths, f.month)) return false;
      ++f.month;
      return true;
    case 'd':
    case 'e': return in.number(2, 1, 31, f.day);
    case 'j': return in.number(3, 1, 366, f.day_of_year);
    case 'a':
    case 'A': return in.name(kDays, ignored);
    case 'H':
    case 'k': return in.number(2, 0, 23, f.hour);
    case 'I':
    case 'l': f.twelve = true; return in.number(2, 1, 12, f.hour);
    case 'p': return in.half(f);
    case 'M': return in.number(2, 0, 59, f.minute);
    case 'S': return in.number(2, 0, 60, f.second);
    case 'f': return in.fraction(f.us);
    case 'z': return f.has_offset = in.offset(f.offset);
    case 'Z': return in.zone_name(f);
    case 's': return read_epoch(in, f);
    case 'n':
    case 't': in.skip_blanks(); return true;
    default: return in.literal('%');
  }
}

bool local_seconds(Fields& f, std::int64_t& seconds) {
  if (f.twelve) f.hour = f.hour % 12 + (f.afternoon ? 12 : 0);
  std::int64_t days = 0;
  if (f.day_of_year != 0) {
    if (f.day_of_year == 366 && !is_leap(f.year)) return false;
    days = days_of(f.year, 1, 1) + f.day_of_year - 1;
  } else {
    if (f.day > days_in_month(f.year, static_cast<unsigned>(f.month))) return false;
    days = days_of(f.year, static_cast<unsigned>(f.month), static_cast<unsigned>(f.day));
  }
  seconds = days * 86400 + f.hour * 3600 + f.minute * 60 + f.second;
  return true;
}

}  // namespace

Result<std::unique_ptr<const TimeFormat>> TimeFormat::parse(std::string_view pattern) {
  if (pattern.empty()) return std::unique_ptr<const TimeFormat>();
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      out += pattern[i];
      continue;
    }
    const char conversion = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    const std::string_view longer = written_out(conversion);
    if (longer.empty() && (conversion == '\0' || kConversions.find(conversion) == std::string_view::npos)) {
      return usage_error("unknown conversion '%" + (conversion == '\0' ? "" : std::string(1, conversion)) +
                         "' at offset " + std::to_string(i));
    }
    out += longer.empty() ? pattern.substr(i, 2) : longer;
    ++i;
  }
  return std::unique_ptr<const TimeFormat>(new TimeFormat(std::move(out)));
}

bool TimeFormat::read(std::string_view text, const Zone* zone, std::int64_t& instant_us,
                      std::uint64_t& ambiguous) const {
  TextReader in(text);
  Fields fields;
  for (std::size_t i = 0; i < pattern_.size(); ++i) {
    if (pattern_[i] == '%') {
      if (!read_conversion(pattern_[++i], in, fields)) return false;
    } else if (is_blank(pattern_[i])) {
      in.skip_blanks();
    } else if (!in.literal(pattern_[i])) {
      return false;
    }
  }
  if (!in.empty()) return false;
  std::int64_t seconds = fields.epoch;
  if (!fields.has_epoch) {
    if (!local_seconds(fields, seconds)) return false;
    if (fields.has_offset) {
      seconds -= fields.offset;
    } else if (zone != nullptr && !zone->is_utc()) {
      const Zone::Instant instant = zone->instant_of(seconds);
      seconds = instant.utc_s;
      ambiguous += instant.ambiguous;
    }
  }
  instant_us = seconds * 1'000'000 + fields.us;
  return true;
}

}  // namespace stream::format
