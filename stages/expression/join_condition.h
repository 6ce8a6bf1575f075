// What the condition of a join says: which columns are equal, how far apart event times may be, and
// what else must hold.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stages/expression/expression.h"
#include "transport/base/clock.h"

namespace stream {

// A column of either input that must be equal, and not NULL: indexes into the joint schema.
struct EqualColumns {
  std::size_t left = 0;
  std::size_t right = 0;
};

// Bounds of the left event time minus the right one. They may be wider than the condition is, as a month
// has no fixed length: `rest` decides, the bounds only tell what can no longer match.
struct TimeBounds {
  std::optional<Microseconds> low;
  std::optional<Microseconds> high;

  friend bool operator==(const TimeBounds&, const TimeBounds&) = default;
};

struct JoinCondition {
  std::vector<EqualColumns> equal;
  TimeBounds times;
  std::optional<Expression> rest;  // BOOLEAN over the joint schema: all but `equal`
};

// Compiles a condition over two inputs whose columns stand one behind the other in `schema`. Of what is
// joined by AND, `a = b` with a column of either input, both of one type, goes to `equal`; comparisons of
// the two event times, each with an interval added or taken away or none, bound `times`.
// `left_time`, `right_time`: the event-time columns, indexes into `schema`.
// nullopt on failure, with `error` set.
std::optional<JoinCondition> compile_join_condition(std::string_view text, const Schema& schema,
                                                    std::span<const InputColumns> inputs,
                                                    std::optional<std::size_t> left_time,
                                                    std::optional<std::size_t> right_time, ExpressionError* error);

}  // namespace stream
