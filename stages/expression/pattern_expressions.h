// Expressions over the rows of a pattern's match: what DEFINE and MEASURES of MATCH_RECOGNIZE are to SQL.
//
// They name rows by pattern variables: A.price is the price of the last row that matched A, price alone that of the
// last row of all. first(), last(), prev() and aggregates choose others. Compiling takes such an expression apart:
// into what is kept of each row, computed from the row alone; into values picked or accumulated from what is kept of
// the rows matched; and into an ordinary expression over these values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stages/expression/select_list.h"

namespace stream {

inline constexpr std::size_t kAnyVariable = SIZE_MAX;  // all rows of the match, whatever they match
inline constexpr std::size_t kPatternOffsetMax = 10'000;

struct PatternColumn {
  Expression expression;  // over the input's schema; deterministic
  std::string name;       // of the column, or the text it was written as
};

struct PatternValue {
  enum class Kind : std::uint8_t {
    kFirst,       // of the rows that match the variable, in their order, the one behind `offset` others
    kLast,        // the same from the end
    kAggregate,   // over all rows that match the variable
    kClassifier,  // the name of the variable that the last row matches
  };
  Kind kind = Kind::kLast;
  std::size_t variable = kAnyVariable;
  std::size_t offset = 0;
  std::size_t back = 0;  // kFirst, kLast: the row this many before that one, matched or not
  AggregateFunction function = AggregateFunction::kCount;
  std::optional<std::size_t> kept;    // index into PatternExpressions::kept; none for count(*)
  std::optional<std::size_t> filter;  // the same: rows for which it is not TRUE are left out
  Type argument_type;
  Type type;
  friend bool operator==(const PatternValue&, const PatternValue&) = default;
};

// What a row must meet to match a variable: both, where there are both.
struct PatternCondition {
  std::optional<Expression> of_row;     // over the input's schema
  std::optional<Expression> of_values;  // over PatternExpressions::values, the row at hand being the last that matches
};

struct PatternMeasure {
  std::string name;
  Expression expression;  // over PatternExpressions::values
};

struct PatternExpressions {
  std::vector<PatternColumn> kept;
  std::vector<PatternValue> values;
  std::vector<PatternCondition> conditions;  // by variable
  std::vector<PatternMeasure> measures;

  // Columns of the input that a measure or condition over values is computed from, ascending.
  std::vector<std::size_t> lineage(const Expression& of_values) const;
};

struct PatternTexts {
  std::span<const std::string> variables;
  std::span<const SelectText> define;    // called like the variables
  std::span<const SelectText> measures;  // each with a name, or one that can be guessed
};

struct PatternError {
  bool in_define = false;  // else in the measures
  ExpressionError error;
};

// `schema.time` must be set. nullopt with `error` set where something is wrong.
std::optional<PatternExpressions> compile_pattern_expressions(const PatternTexts& texts, const Schema& schema,
                                                              PatternError* error);

}  // namespace stream
