// AggregateDesign: what an aggregate computes and where it keeps it. Planning and running derive it
// from the same options, so that they agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/aggregate/tumble.h"
#include "stages/expression/select_list.h"
#include "stages/kit/plan.h"

namespace stream {

inline constexpr std::size_t kNone = SIZE_MAX;

// Where a call keeps what it has seen: columns of the state table.
struct CallState {
  std::size_t value = kNone;     // the count, sum, minimum or maximum; NULL while there is none
  std::size_t count = kNone;     // of the values: avg, and sum where rows may be taken back
  std::size_t distinct = kNone;  // index of the table of values seen
};

struct AggregateDesign {
  std::vector<std::size_t> by;  // columns of the input
  Aggregation aggregation;
  std::optional<TumbleWindows> windows;
  Microseconds lateness = 0;
  std::size_t time = kNone;  // column of the input, if there are windows
  bool retracts = false;     // input rows may be taken back
  bool updates = false;      // without a window: every change is emitted; else the last state

  TableSpec table;                  // key: by, window_start; or one constant where there is neither
  std::vector<TableSpec> distinct;  // key: by, window_start, value
  std::vector<CallState> calls;
  std::size_t row_count = kNone;  // column of the table, if rows may be taken back
  std::size_t fired = kNone;      // column of the table, if a window outlives its first result

  bool windowed() const { return windows.has_value(); }
  std::size_t window_start() const { return by.size(); }  // column of the table
  bool global() const { return by.empty() && !windowed(); }
};

// A name for a state table, made from any stage's name.
std::string table_name(std::string_view stage);

// nullopt with `error` set where the options are wrong for this input.
std::optional<AggregateDesign> design_aggregate(const Values& options, const Schema& input, const std::string& stage,
                                                bool supervised, PlanError* error);

}  // namespace stream
