#include "stages/expression/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

using Unsigned = unsigned __int128;

constexpr auto kPowers = [] {
  std::array<Decimal, kDecimalDigits + 1> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

struct Wide {
  Unsigned high;
  Unsigned low;
};

Wide wide_product(Unsigned a, Unsigned b) {
  constexpr Unsigned kMask = ~std::uint64_t{0};
  const Unsigned a0 = a & kMask, a1 = a >> 64, b0 = b & kMask, b1 = b >> 64;
  const Unsigned p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const Unsigned middle = (p00 >> 64) + (p01 & kMask) + (p10 & kMask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (middle << 64) | (p00 & kMask)};
}

// Divides by shifting; false if the quotient needs more than 128 bits.
bool wide_quotient(Wide dividend, Unsigned divisor, Unsigned& quotient, Unsigned& remainder) {
  if (dividend.high == 0) {
    quotient = dividend.low / divisor;
    remainder = dividend.low % divisor;
    return true;
  }
  if (dividend.high >= divisor) return false;
  Unsigned rest = dividend.high;
  quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const bool carry = (rest >> 127) != 0;
    rest = (rest << 1) | ((dividend.low >> bit) & 1);
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
  }
  remainder = rest;
  return true;
}

Unsigned magnitude(Decimal value) { return value < 0 ? -static_cast<Unsigned>(value) : static_cast<Unsigned>(value); }

bool signed_result(Unsigned value, bool negative, Decimal& out) {
  if (value >= static_cast<Unsigned>(kPowers[kDecimalDigits])) return false;
  out = negative ? -static_cast<Decimal>(value) : static_cast<Decimal>(value);
  return true;
}

// (product) / divisor, rounded half away from zero unless truncated.
bool rounded_quotient(Wide product, Unsigned divisor, bool truncate, bool negative, Decimal& out) {
  Unsigned quotient;
  Unsigned remainder;
  if (!wide_quotient(product, divisor, quotient, remainder)) return false;
  if (!truncate && remainder >= divisor - remainder) ++quotient;
  return signed_result(quotient, negative, out);
}

}  // namespace

Decimal power_of_ten(int n) { return kPowers[static_cast<std::size_t>(n)]; }

bool fits_decimal(Decimal value) { return fits_precision(value, kDecimalDigits); }
bool fits_precision(Decimal value, int precision) {
  return value < power_of_ten(precision) && value > -power_of_ten(precision);
}

bool rescale(Decimal value, int from_scale, int to_scale, Decimal& out) {
  const int up = to_scale - from_scale;
  if (up == 0) {
    out = value;
    return fits_decimal(value);
  }
  if (up > 0) {
    if (up > kDecimalDigits) return value == 0 ? (out = 0, true) : false;
    return !__builtin_mul_overflow(value, power_of_ten(up), &out) && fits_decimal(out);
  }
  if (-up > kDecimalDigits) {
    out = 0;
    return true;
  }
  return rounded_quotient({0, magnitude(value)}, static_cast<Unsigned>(power_of_ten(-up)), false, value < 0, out);
}

int compare_decimals(Decimal a, int a_scale, Decimal b, int b_scale) {
  if (a_scale < b_scale) {
    Decimal scaled;
    if (__builtin_mul_overflow(a, power_of_ten(b_scale - a_scale), &scaled)) return a < 0 ? -1 : 1;
    a = scaled;
  } else if (b_scale < a_scale) {
    Decimal scaled;
    if (__builtin_mul_overflow(b, power_of_ten(a_scale - b_scale), &scaled)) return b < 0 ? 1 : -1;
    b = scaled;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

bool multiply(Decimal a, int a_scale, Decimal b, int b_scale, int scale, Decimal& out) {
  const int drop = a_scale + b_scale - scale;
  if (drop == 0) return !__builtin_mul_overflow(a, b, &out) && fits_decimal(out);
  return rounded_quotient(wide_product(magnitude(a), magnitude(b)), static_cast<Unsigned>(power_of_ten(drop)), false,
                          (a < 0) != (b < 0), out);
}

bool divide(Decimal a, int a_scale, Decimal b, int b_scale, int scale, bool truncate, Decimal& out) {
  const bool negative = (a < 0) != (b < 0);
  const int up = scale - a_scale + b_scale;
  if (up >= 0) {
    if (up <= kDecimalDigits) {
      return rounded_quotient(wide_product(magnitude(a), static_cast<Unsigned>(power_of_ten(up))), magnitude(b),
                              truncate, negative, out);
    }
    // Beyond 10^38: only a divisor that large or a dividend of 0 can give a quotient that fits.
    Decimal part;
    if (!divide(a, a_scale, b, b_scale, scale - (up - kDecimalDigits), true, part) || a == 0) {
      out = 0;
      return a == 0;
    }
    const Unsigned rest_factor = static_cast<Unsigned>(power_of_ten(up - kDecimalDigits));
    Unsigned quotient;
    Unsigned remainder;
    if (!wide_quotient(wide_product(magnitude(a), static_cast<Unsigned>(power_of_ten(kDecimalDigits))), magnitude(b),
                       quotient, remainder)) {
      return false;
    }
    Decimal tail;
    if (!rounded_quotient(wide_product(remainder, rest_factor), magnitude(b), truncate, false, tail)) return false;
    const Wide head = wide_product(quotient, rest_factor);
    if (head.high != 0 || head.low > static_cast<Unsigned>(power_of_ten(kDecimalDigits))) return false;
    return signed_result(head.low + static_cast<Unsigned>(tail), negative, out);
  }
  // Fewer digits than the dividend has: divide by b * 10^-up, which may not fit 128 bits.
  const Wide divisor = wide_product(magnitude(b), static_cast<Unsigned>(power_of_ten(std::min(-up, kDecimalDigits))));
  if (divisor.high != 0) {
    out = 0;
    return true;
  }
  return rounded_quotient({0, magnitude(a)}, divisor.low, truncate, negative, out);
}

double to_double(Decimal value, int scale) {
  if (value > -(Decimal{1} << 53) && value < (Decimal{1} << 53) && scale <= 22) {
    return static_cast<double>(static_cast<std::int64_t>(value)) / static_cast<double>(power_of_ten(scale));
  }
  const std::string text = to_text(value, scale);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

bool from_double(double value, int precision, int scale, Decimal& out) {
  if (!std::isfinite(value)) return false;
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return parse_decimal(text, precision, scale, out) == DecimalText::kOk;
}

std::string to_text(Decimal value, int scale) {
  char digits[48];
  int at = sizeof digits;
  Unsigned rest = magnitude(value);
  int written = 0;
  do {
    if (written == scale && scale > 0) digits[--at] = '.';
    digits[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  } while (rest != 0 || written <= scale);
  if (value < 0) digits[--at] = '-';
  return {digits + at, sizeof digits - static_cast<std::size_t>(at)};
}

namespace {

// The parts of "-12.5e3": digits without the point, and the power of ten to multiply them by.
struct Digits {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

bool read_digits(std::string_view text, Digits& out) {
  text = trim(text);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  bool any = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
    } else if (text[i] >= '0' && text[i] <= '9') {
      any = true;
      if (!out.digits.empty() || text[i] != '0') out.digits += text[i];
      out.exponent -= point ? 1 : 0;
    } else {
      break;
    }
  }
  if (!any) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  int exponent = 0;
  const char* begin = text.data() + i + 1;
  if (begin < text.data() + text.size() && *begin == '+') ++begin;
  const auto [end, code] = std::from_chars(begin, text.data() + text.size(), exponent);
  if (code != std::errc() || end != text.data() + text.size() || std::abs(exponent) > 100'000) return false;
  out.exponent += exponent;
  return true;
}

}  // namespace

DecimalText parse_decimal(std::string_view text, int precision, int scale, Decimal& out) {
  Digits number;
  if (!read_digits(text, number)) return DecimalText::kInvalid;
  const int shift = number.exponent + scale;
  const auto size = static_cast<int>(number.digits.size());
  bool up = false;
  std::string digits = number.digits;
  if (shift < 0) {
    const int keep = std::max(size + shift, 0);
    up = size + shift >= 0 && keep < size && number.digits[static_cast<std::size_t>(keep)] >= '5';
    digits.resize(static_cast<std::size_t>(keep));
  } else if (!digits.empty()) {
    if (size + shift > kDecimalDigits) return DecimalText::kOutOfRange;
    digits.append(static_cast<std::size_t>(shift), '0');
  }
  if (digits.size() > kDecimalDigits) return DecimalText::kOutOfRange;
  Decimal value = up ? 0 : 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  value += up ? 1 : 0;
  if (!fits_precision(value, precision)) return DecimalText::kOutOfRange;
  out = number.negative ? -value : value;
  return DecimalText::kOk;
}

bool natural_decimal(std::string_view text, Type& type) {
  Digits number;
  if (!read_digits(text, number)) return false;
  const int scale = std::max(0, -number.exponent);
  const int integral = std::max(0, static_cast<int>(number.digits.size()) + number.exponent);
  const int precision = std::max(integral + scale, 1);
  if (precision > kDecimalDigits) return false;
  type = decimal_type(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale));
  return true;
}

}  // namespace stream::expression
