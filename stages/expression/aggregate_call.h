// AggregateCall: what a call of an aggregate function computes, and its types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/expression.h"

namespace stream {

enum class AggregateFunction : std::uint8_t {
  kCount,
  kSum,
  kMin,
  kMax,
  kAvg,
  kVarPop,
  kVarSamp,
  kStddevPop,
  kStddevSamp,
  kBoolAnd,
  kBoolOr,
  kFirst,
  kLast,
  kAnyValue,
  kApproxCountDistinct,
  kApproxQuantile,
  kMedian,
  kStringAgg,
  kJsonAgg,
  kJsonObjectAgg,
};
std::string_view to_string(AggregateFunction function);  // "count", …

// One accumulator. NULL arguments are not counted, but for the elements of json_agg() and the values of
// json_object_agg(). Of nothing, the counts are 0 and all others NULL.
//
//   count  BIGINT
//   sum    BIGINT -> BIGINT, DECIMAL(p,s) -> DECIMAL(38,s): overflow is an error; DOUBLE -> DOUBLE;
//          INTERVAL -> INTERVAL
//   min, max  the argument's type; not JSON and not BOOLEAN
//   avg    BIGINT, DOUBLE -> DOUBLE; DECIMAL(p,s) -> DECIMAL(38, max(s,16)); INTERVAL -> INTERVAL
//   var_pop, var_samp = variance, stddev_pop, stddev_samp = stddev  BIGINT, DECIMAL, DOUBLE -> DOUBLE
//   bool_and = every, bool_or  BOOLEAN -> BOOLEAN
//   first, last, any_value  the argument's type
//   approx_count_distinct  BIGINT
//   approx_quantile = approx_percentile, median  BIGINT, DECIMAL, DOUBLE -> DOUBLE
//   string_agg  VARCHAR -> VARCHAR
//   json_agg = array_agg, json_object_agg  JSON
struct AggregateCall {
  AggregateFunction function = AggregateFunction::kCount;
  std::optional<Expression> argument;  // none for count(*); of json_object_agg() the key
  std::optional<Expression> value;     // of json_object_agg()
  std::optional<Expression> filter;    // BOOLEAN: rows where it is not TRUE are left out
  bool distinct = false;
  std::string separator;  // of string_agg()
  double quantile = 0;    // of approx_quantile(): 0 to 1
  Type argument_type;     // BIGINT for count(*)
  Type result_type;
  std::string text;        // "max(ms)", as written first
  std::string definition;  // "max(ms) filter (where ms > 0)": equal, however it was written, if the call is
  // Of the definition what stands in its first parentheses, "distinct ms", and what follows them.
  std::string arguments_definition;
  std::string filter_definition;

  std::vector<std::size_t> columns() const;  // of the input: what it reads
};

namespace expression {

struct Ast;
struct Scope;

bool is_aggregate(std::string_view function);
std::vector<std::string> aggregate_names();  // with those that are second names

// A call as it is written, without its text. Throws Failure.
AggregateCall bind_aggregate(const Ast& ast, const Scope& scope);

}  // namespace expression
}  // namespace stream
