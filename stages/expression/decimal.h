// DECIMAL arithmetic on 128-bit integers: exact, rounding half away from zero as PostgreSQL does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/record/type.h"

namespace stream::expression {

inline constexpr int kDecimalDigits = 38;

// 10^n for 0 <= n <= 38.
Decimal power_of_ten(int n);
// Of values that are known to be small enough; of others it is another number.
inline Decimal wrapping_product(Decimal a, Decimal b) {
  return static_cast<Decimal>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
}

// |value| < 10^38.
bool fits_decimal(Decimal value);
// |value| < 10^precision.
bool fits_precision(Decimal value, int precision);

// The same number with another scale; rounds when digits are dropped. False on overflow.
bool rescale(Decimal value, int from_scale, int to_scale, Decimal& out);

// Negative, zero or positive as a < b, a = b, a > b.
int compare_decimals(Decimal a, int a_scale, Decimal b, int b_scale);

// a * b with scale a_scale + b_scale reduced to `scale`. False on overflow.
bool multiply(Decimal a, int a_scale, Decimal b, int b_scale, int scale, Decimal& out);

// a / b (b not 0) with the given scale; rounded, or cut when `truncate`. False on overflow.
bool divide(Decimal a, int a_scale, Decimal b, int b_scale, int scale, bool truncate, Decimal& out);

double to_double(Decimal value, int scale);
// As PostgreSQL: through 15 significant digits. False if it does not fit, NaN and infinities too.
bool from_double(double value, int precision, int scale, Decimal& out);

std::string to_text(Decimal value, int scale);

enum class DecimalText : std::uint8_t { kOk, kInvalid, kOutOfRange };
// Reads "-12.50", "1.5e3" with blanks around. Digits beyond the scale are rounded.
DecimalText parse_decimal(std::string_view text, int precision, int scale, Decimal& out);
// The type a literal has by itself: 1.50 is DECIMAL(3,2). False if it needs more than 38 digits.
bool natural_decimal(std::string_view text, Type& type);

}  // namespace stream::expression
