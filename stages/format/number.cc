#include "stages/format/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace stream::format {
namespace {

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool double_of_token(const char* begin, const char* end, double& value) {
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (stop != end) return false;
  if (error == std::errc()) return true;
  if (error != std::errc::result_out_of_range) return false;
  value = std::strtod(std::string(begin, end).c_str(), nullptr);  // tells underflow from overflow
  return std::isfinite(value);
}

struct DigitsRead {
  const char* end;
  Decimal value;
  int scale;  // digits behind the point
  bool any;
  bool overflow;
};

constexpr Decimal kDecimalLimit = [] {
  Decimal limit = 1;
  for (int i = 0; i < 38; ++i) limit *= 10;
  return limit;
}();

// Trailing zeros are held back, so that "1.000…0" never overflows.
DigitsRead read_digits(const char* p, const char* end) {
  DigitsRead read{p, 0, 0, false, false};
  bool point = false;
  int zeros = 0;
  for (; p != end; ++p) {
    if (*p == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(*p)) break;
    read.any = true;
    if (point) ++read.scale;
    if (*p == '0') {
      ++zeros;
      continue;
    }
    for (++zeros; zeros > 0; --zeros) {
      read.overflow = read.overflow || read.value >= kDecimalLimit / 10;
      if (!read.overflow) read.value *= 10;
    }
    read.value += *p - '0';
  }
  read.scale -= zeros;
  read.end = p;
  return read;
}

}  // namespace

const char* skip_json_number(const char* p, const char* end) {
  const auto digits = [&] {
    const char* start = p;
    while (p != end && is_digit(*p)) ++p;
    return p - start;
  };
  if (p != end && *p == '-') ++p;
  const bool zero = p != end && *p == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return nullptr;
  if (p != end && *p == '.') {
    ++p;
    if (digits() == 0) return nullptr;
  }
  if (p != end && (*p | 0x20) == 'e') {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (digits() == 0) return nullptr;
  }
  return p;
}

const char* read_json_double(const char* p, double& value) {
  const char* start = p;
  const bool negative = *p == '-';
  p += negative;
  const char* first = p;
  std::uint64_t mantissa = 0;
  while (is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
  const auto whole = p - first;
  if (whole == 0 || (*first == '0' && whole > 1)) return nullptr;
  long fraction = 0;
  if (*p == '.') {
    const char* point = ++p;
    while (is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
    fraction = p - point;
    if (fraction == 0) return nullptr;
  }
  // Both factors are exact doubles, so one division rounds once and correctly.
  if ((*p | 0x20) != 'e' && whole + fraction <= 19 && mantissa <= (std::uint64_t{1} << 53) && fraction <= 22) {
    value = static_cast<double>(mantissa) / kPowers[fraction];
    if (negative) value = -value;
    return p;
  }
  const char* end = skip_json_number(start);
  return end != nullptr && double_of_token(start, end, value) ? end : nullptr;
}

bool parse_bigint(std::string_view text, std::int64_t& value) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_double(std::string_view text, double& value) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  return !text.empty() && double_of_token(text.data(), text.data() + text.size(), value);
}

bool parse_boolean(std::string_view text, bool& value) {
  char word[6] = {};
  if (text.empty() || text.size() > 5) return false;
  for (std::size_t i = 0; i < text.size(); ++i) word[i] = static_cast<char>(text[i] | 0x20);
  const std::string_view folded(word, text.size());
  value = folded == "true" || folded == "t" || folded == "yes" || text == "1";
  return value || folded == "false" || folded == "f" || folded == "no" || text == "0";
}

bool parse_decimal(std::string_view text, std::uint8_t precision, std::uint8_t scale, Decimal& value) {
  const char* p = text.data();
  const char* end = p + text.size();
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  const DigitsRead read = read_digits(p, end);
  if (!read.any || read.overflow) return false;
  int exponent = 0;
  p = read.end;
  if (p != end && (*p | 0x20) == 'e') {
    ++p;
    if (p != end && *p == '+' && ++p != end && !is_digit(*p)) return false;
    const auto [stop, error] = std::from_chars(p, end, exponent);
    if (error != std::errc() || exponent > 1'000'000 || exponent < -1'000'000) return false;
    p = stop;
  }
  if (p != end) return false;
  Decimal limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  value = read.value;
  if (value == 0) return true;
  int shift = scale - read.scale + exponent;
  for (; shift > 0 && value < limit; --shift) value *= 10;
  for (; shift < 0; ++shift) {
    if (value % 10 != 0) return false;
    value /= 10;
  }
  if (value >= limit) return false;
  if (negative) value = -value;
  return true;
}

char* print_bigint(char* to, std::int64_t value) { return std::to_chars(to, to + kBigintSize, value).ptr; }

char* print_double(char* to, double value) { return std::to_chars(to, to + kDoubleSize, value).ptr; }

char* print_decimal(char* to, Decimal value, std::uint8_t scale) {
  using Unsigned = unsigned __int128;
  Unsigned rest = value < 0 ? Unsigned{0} - static_cast<Unsigned>(value) : static_cast<Unsigned>(value);
  char reversed[kDecimalSize];
  std::size_t size = 0;
  for (int digits = 0; rest != 0 || digits <= scale; ++digits) {
    if (digits == scale && scale != 0) reversed[size++] = '.';
    reversed[size++] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (value < 0) *to++ = '-';
  while (size != 0) *to++ = reversed[--size];
  return to;
}

}  // namespace stream::format
