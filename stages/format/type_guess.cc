#include "stages/format/type_guess.h"

#include <algorithm>
#include <cmath>

#include "stages/format/number.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

bool is_time(std::string_view text, const TimeRules& rules) {
  std::int64_t instant = 0;
  std::uint64_t ambiguous = 0;
  if (rules.format != nullptr) return parse_timestamp(text, rules, instant, ambiguous);
  return looks_like_timestamp(text);
}

constexpr Type kWideInteger = decimal_type(38, 0);

bool is_plain_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits[0] == '0' && digits.size() > 1)) return false;
  return std::ranges::all_of(digits, is_digit);
}

}  // namespace

bool TypeGuess::see_integer(std::string_view text) {
  if (!is_plain_integer(text)) return false;
  std::int64_t value = 0;
  Decimal wide = 0;
  if (parse_bigint(text, value)) {
    seen_ |= kInt;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  } else {
    seen_ |= parse_decimal(text, kWideInteger.precision, kWideInteger.scale, wide) ? kBigInt : kHugeInt;
  }
  return true;
}

void TypeGuess::see_json(std::string_view value, const TimeRules& rules) {
  switch (value[0]) {
    case 'n': return;
    case 't':
    case 'f': seen_ |= kBool; return;
    case '{':
    case '[': seen_ |= kNested; return;
    case '"': seen_ |= is_time(value.substr(1, value.size() - 2), rules) ? kTime : kText; return;
    default: break;
  }
  if (!see_integer(value)) seen_ |= kReal;
}

void TypeGuess::see_text(std::string_view text, const TimeRules& rules) {
  if (text.empty()) return;
  double real = 0;
  bool boolean = false;
  if (see_integer(text)) return;
  if (text.size() > 3 && parse_boolean(text, boolean)) {
    seen_ |= kBool;
  } else if (is_time(text, rules)) {
    seen_ |= kTime;
  } else if (skip_json_number(text.data(), text.data() + text.size()) == text.data() + text.size() &&
             parse_double(text, real)) {
    seen_ |= kReal;
  } else {
    seen_ |= kText;
  }
}

Type TypeGuess::number_type() const {
  if ((seen_ & kReal) != 0) return kDouble;
  if ((seen_ & kHugeInt) != 0) return kVarchar;
  return (seen_ & kBigInt) != 0 ? kWideInteger : kBigint;
}

Type TypeGuess::type(bool text) const {
  constexpr std::uint8_t kNumbers = kInt | kReal | kBigInt | kHugeInt;
  if (seen_ != 0 && (seen_ & ~kNumbers) == 0) return number_type();
  switch (seen_) {
    case 0: return kVarchar;
    case kBool: return kBoolean;
    case kTime: return kTimestamp;
    case kText:
    case kTime | kText: return kVarchar;
    default: return text ? kVarchar : kJson;
  }
}

std::string_view TypeGuess::unit() const {
  constexpr std::int64_t kFirst = 978'307'200;   // 2001-01-01
  constexpr std::int64_t kLast = 4'102'444'800;  // 2100-01-01
  std::int64_t factor = 1;
  for (const std::string_view unit : {"s", "ms", "us", "ns"}) {
    if (seen_ == kInt && low_ >= kFirst * factor && high_ / factor <= kLast) return unit;
    factor *= 1000;
  }
  return {};
}

}  // namespace stream::format
