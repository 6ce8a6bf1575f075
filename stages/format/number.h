// Numbers from text, exactly, and numbers to text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stages/format/scan.h"
#include "transport/record/type.h"

namespace stream::format {

// Reads a JSON integer: "-"? ("0" | [1-9][0-9]*), with kScanPadding readable bytes behind it. Returns
// the byte behind it, or null if there is none, it does not fit, or a fraction or exponent follows.
inline const char* read_json_bigint(const char* p, std::int64_t& value) {
  const bool negative = *p == '-';
  p += negative;
  const char* start = p;
  std::uint64_t sum = 0;
  for (int words = 0;; ++words) {
    const std::uint64_t word = load8(p);
    const int digits = leading_digits(word);
    sum = sum * kPowersOfTen[digits] + value_of_leading(word, digits);
    p += digits;
    if (digits < 8) break;
    if (words == 2) return nullptr;
  }
  const auto digits = p - start;
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (digits == 0 || digits > 19 || (*start == '0' && digits > 1) || sum > limit - !negative) return nullptr;
  if (*p == '.' || (*p | 0x20) == 'e') return nullptr;
  value = static_cast<std::int64_t>(negative ? 0 - sum : sum);
  return p;
}

// Reads a JSON number; the same contract. Null as well for one too large for a double.
const char* read_json_double(const char* p, double& value);

// The byte behind the JSON number at p, or null. Stops at `end`, which may be null: then some byte
// that is part of no number must follow.
const char* skip_json_number(const char* p, const char* end = nullptr);

// Whole texts; false if the text is anything else. Blanks are not skipped.
bool parse_bigint(std::string_view text, std::int64_t& value);  // leading zeros and "+" allowed
bool parse_double(std::string_view text, double& value);        // also inf, nan
bool parse_boolean(std::string_view text, bool& value);         // true t yes 1 / false f no 0, any case
// [+-] digits [. digits] [e [+-] digits]. False as well if a digit other than 0 does not fit.
bool parse_decimal(std::string_view text, std::uint8_t precision, std::uint8_t scale, Decimal& value);

// Each writes at `to` and returns the byte behind; the sizes are the most they write.
inline constexpr std::size_t kBigintSize = 20;
inline constexpr std::size_t kDoubleSize = 32;
inline constexpr std::size_t kDecimalSize = 42;
char* print_bigint(char* to, std::int64_t value);
char* print_double(char* to, double value);  // shortest text that reads back equal; nan, inf, -inf
char* print_decimal(char* to, Decimal value, std::uint8_t scale);

}  // namespace stream::format
