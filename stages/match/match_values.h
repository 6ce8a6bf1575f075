// Values picked and accumulated from the rows of a match, one row after the other.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "snapshot/row.h"
#include "stages/expression/pattern_expressions.h"

namespace stream {

// The rows that a match is made of, by their place in it: 0 is the first; those before it have negative numbers.
class MatchRows {
 public:
  virtual ~MatchRows() = default;
  // What is kept of the row, by index into PatternExpressions::kept; NULL where there is no row.
  virtual Cell cell(std::int64_t row, std::size_t kept) const = 0;
};

// What the rows so far have given for one value. Two that are equal are so for all that can come.
struct Accumulated {
  static constexpr std::uint32_t kNoRow = UINT32_MAX;
  std::int64_t count = 0;
  std::uint32_t row = kNoRow;         // the row picked, of min and max as well; of classifier() the variable
  std::vector<std::uint32_t> recent;  // kLast with an offset: the last of them
  std::variant<std::int64_t, double, Decimal, Interval> sum;
  bool overflow = false;
  bool operator==(const Accumulated&) const = default;
};

// Of one way to match the rows so far, by value.
using MatchHistory = std::vector<Accumulated>;

class MatchValues {
 public:
  MatchValues() = default;
  // `which`: indexes of the values that are wanted. The references outlive it.
  MatchValues(const PatternExpressions& expressions, std::span<const std::string> variables,
              std::vector<std::size_t> which);

  std::span<const std::size_t> which() const { return which_; }
  MatchHistory begin() const;
  // Takes row number `row`, behind all others, which matches the variable.
  void add(MatchHistory& history, const MatchRows& rows, std::uint32_t row, std::size_t variable) const;
  // Appends value number which()[i]. Null, or why it cannot be computed: then it is NULL.
  const char* append(const MatchHistory& history, const MatchRows& rows, std::size_t i, ColumnBuilder& out) const;

 private:
  void add_one(const PatternValue& value, Accumulated& to, const MatchRows& rows, std::uint32_t row) const;
  static void accumulate(const PatternValue& value, Accumulated& to, const MatchRows& rows, std::uint32_t row);

  const PatternExpressions* expressions_ = nullptr;
  std::span<const std::string> variables_;
  std::vector<std::size_t> which_;
};

}  // namespace stream
