#include <array>
#include <charconv>
#include <cstring>

#include "stages/format/number.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

struct Unit {
  std::string_view name;  // without the plural's s
  std::int64_t months, days, microseconds;
};
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::array kUnits = {
    Unit{"year", 12, 0, 0},
    Unit{"yr", 12, 0, 0},
    Unit{"month", 1, 0, 0},
    Unit{"mon", 1, 0, 0},
    Unit{"week", 0, 7, 0},
    Unit{"day", 0, 1, 0},
    Unit{"hour", 0, 0, 3600 * kSecond},
    Unit{"minute", 0, 0, 60 * kSecond},
    Unit{"min", 0, 0, 60 * kSecond},
    Unit{"second", 0, 0, kSecond},
    Unit{"sec", 0, 0, kSecond},
};

// One blank-separated word, taken from the front.
std::string_view take_word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

// "04:05", "04:05:06.789", with a sign.
bool read_clock(std::string_view word, std::int64_t& us) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  const auto field = [&](std::int64_t limit, std::int64_t& value) {
    const std::size_t size = std::min(word.find_first_of(":."), word.size());
    const bool good = size > 0 && is_digit(word[0]) && parse_bigint(word.substr(0, size), value) && value <= limit;
    word.remove_prefix(size);
    return good;
  };
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  std::int64_t seconds = 0;
  if (!field(2'000'000'000, hours) || !word.starts_with(':')) return false;
  word.remove_prefix(1);
  if (!field(59, minutes)) return false;
  us = (hours * 3600 + minutes * 60) * kSecond;
  if (word.starts_with(':')) {
    word.remove_prefix(1);
    if (!field(59, seconds)) return false;
    us += seconds * kSecond;
    if (word.starts_with('.')) {
      Decimal fraction = 0;
      if (word.size() > 7 || !parse_decimal(word, 7, 6, fraction)) return false;
      us += static_cast<std::int64_t>(fraction);
      word = {};
    }
  }
  if (negative) us = -us;
  return word.empty();
}

bool add_unit(std::int64_t count, std::string_view name, Interval& value) {
  if (name.size() > 2 && name.ends_with('s')) name.remove_suffix(1);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t us = 0;
    if (__builtin_mul_overflow(count, unit.months, &months) ||
        __builtin_add_overflow(months, value.months, &value.months) ||
        __builtin_mul_overflow(count, unit.days, &days) || __builtin_add_overflow(days, value.days, &value.days) ||
        __builtin_mul_overflow(count, unit.microseconds, &us) ||
        __builtin_add_overflow(us, value.microseconds, &value.microseconds)) {
      return false;
    }
    return true;
  }
  return false;
}

char* print_part(char* to, std::int64_t count, const char* unit, const char* start) {
  if (count == 0) return to;
  if (to != start) *to++ = ' ';
  to = print_bigint(to, count);
  *to++ = ' ';
  const std::size_t size = std::strlen(unit);
  std::memcpy(to, unit, size);
  to += size;
  if (count != 1) *to++ = 's';
  return to;
}

char* print_clock(char* to, std::int64_t us) {
  auto rest = us < 0 ? 0 - static_cast<std::uint64_t>(us) : static_cast<std::uint64_t>(us);
  if (us < 0) *to++ = '-';
  const auto two = [&](std::uint64_t value) {
    if (value < 10) *to++ = '0';
    to = std::to_chars(to, to + 20, value).ptr;
  };
  two(rest / 3'600'000'000);
  *to++ = ':';
  two(rest / 60'000'000 % 60);
  *to++ = ':';
  two(rest / 1'000'000 % 60);
  rest %= 1'000'000;
  if (rest != 0) *to++ = '.';
  for (std::uint64_t unit = 100'000; rest != 0; unit /= 10) {
    *to++ = static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return to;
}

}  // namespace

bool parse_interval(std::string_view text, Interval& value) {
  value = {};
  bool any = false;
  for (;;) {
    const std::string_view word = take_word(text);
    if (word.empty()) return any;
    any = true;
    if (word.find(':') != std::string_view::npos) {
      std::int64_t us = 0;
      if (!read_clock(word, us) || __builtin_add_overflow(us, value.microseconds, &value.microseconds)) return false;
      continue;
    }
    std::int64_t count = 0;
    if (!parse_bigint(word, count) || !add_unit(count, take_word(text), value)) return false;
  }
}

char* print_interval(char* to, const Interval& value) {
  const char* start = to;
  to = print_part(to, value.months / 12, "year", start);
  to = print_part(to, value.months % 12, "mon", start);
  to = print_part(to, value.days, "day", start);
  if (to != start && value.microseconds == 0) return to;
  if (to != start) *to++ = ' ';
  return print_clock(to, value.microseconds);
}

}  // namespace stream::format
