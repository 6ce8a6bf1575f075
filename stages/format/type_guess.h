// TypeGuess: the narrowest type that holds all the values seen of one column, and holds them exactly:
// only where a fraction or an exponent was seen is a column DOUBLE. Integers beyond BIGINT, such as
// 64-bit ids without a sign, are DECIMAL(38,0), and text beyond that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stages/format/timestamp.h"
#include "transport/record/type.h"

namespace stream::format {

class TypeGuess {
 public:
  void see_json(std::string_view value, const TimeRules& rules);  // one JSON value, by its structure at least
  void see_text(std::string_view text, const TimeRules& rules);   // "" = NULL

  // `text`: a column of plain text, where VARCHAR holds everything; else JSON does.
  Type type(bool text) const;
  // The unit in which all the integers are times of 2001 to 2100, if they are; "" else.
  std::string_view unit() const;

 private:
  enum Seen : std::uint8_t {
    kBool = 1,
    kInt = 2,
    kReal = 4,
    kTime = 8,
    kText = 16,
    kNested = 32,
    kBigInt = 64,    // beyond BIGINT
    kHugeInt = 128,  // beyond DECIMAL(38,0)
  };
  bool see_integer(std::string_view text);  // false if it is none, or is written as a code: "+1", "007"
  Type number_type() const;

  std::uint8_t seen_ = 0;
  std::int64_t low_ = INT64_MAX;
  std::int64_t high_ = INT64_MIN;
};

}  // namespace stream::format
