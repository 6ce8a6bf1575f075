// MatchDesign: what a match looks for and where it keeps its rows. Planning and running derive it from the same
// options, so that they agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/expression/pattern_expressions.h"
#include "stages/kit/ordering.h"
#include "stages/kit/plan.h"
#include "stages/match/pattern.h"

namespace stream {

inline constexpr std::size_t kNone = SIZE_MAX;

// Where the search goes on behind a match.
struct MatchSkip {
  enum class To : std::uint8_t { kPastLastRow, kNextRow, kFirst, kLast };
  To to = To::kPastLastRow;
  std::size_t variable = 0;  // kFirst, kLast
};

struct MatchDesign {
  Schema input;
  std::vector<std::size_t> by;
  std::vector<OrderColumn> order;  // of rows of one event time
  Pattern pattern;
  PatternExpressions expressions;
  MatchSkip skip;
  std::optional<Microseconds> within;  // less than so long from the first row to the last
  bool all_rows = false;               // each row of a match is given, not one for all
  std::size_t back = 0;                // so many rows before the first of a match are looked at

  TableSpec table;                   // key: by, or one constant; arrival
  std::vector<std::size_t> columns;  // of the input -> of the table; kNone if not kept
  std::vector<std::size_t> kept;     // of expressions.kept -> of the table
  std::size_t arrival = kNone;       // column of the table: tells rows apart, and which of equal ones came first
  std::size_t holds = kNone;         // … : bit v: the row meets what variable v demands of it alone
  std::size_t open = kNone;          // … : the event time, NULL once the row can be in no match any more

  std::size_t time() const { return columns[*input.time]; }
};

// In `holds`, behind the variables: the row has been reported as bad.
inline constexpr std::int64_t kReported = std::int64_t{1} << kPatternVariablesMax;

// nullopt with `error` set where the options are wrong for this input.
std::optional<MatchDesign> design_match(const Values& options, const Schema& input, const std::string& stage,
                                        PlanError* error);

}  // namespace stream
