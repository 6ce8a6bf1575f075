// AggregateDesign: what an aggregate computes and where it keeps it. Planning and running derive it
// from the same options, so that they agree.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/aggregate/slices.h"
#include "stages/expression/select_list.h"
#include "stages/kit/plan.h"
#include "stages/kit/time_to_live.h"

namespace stream {

inline constexpr std::size_t kNone = SIZE_MAX;
inline constexpr std::size_t kLateOutput = 1;

// What a call keeps of a group.
enum class Keeps : std::uint8_t {
  kCount,
  kSum,      // and the count: avg
  kExtreme,  // min, max
  kSquares,  // variances: sum and sum of squares, exact; of DOUBLE mean and squared distances
  kTruths,   // bool_and, bool_or: how many decide it, and how many there are
  kRow,      // first, last, any_value
  kSketch,   // approx_count_distinct
  kList,     // string_agg, json_agg, json_object_agg: the elements in a table of values
  kSpread,   // quantiles: the values, or their buckets, in a table of values
};
Keeps kept_by(const AggregateCall& call);

// A list of more bytes, separators included, is an error.
inline constexpr std::int64_t kListBytes = 1 << 20;

// What tells equal values of a table of values apart, and orders them.
enum class ValueOrder : std::uint8_t { kAny, kTime, kArrival };

// Where a call keeps what it has seen: columns of the state table.
struct CallState {
  std::size_t value = kNone;     // the count, sum, minimum, …; NULL while there is none. Of a list: its bytes
  std::size_t count = kNone;     // of the values: avg, and sum where rows may be taken back. Of a list: rows come
  std::size_t time = kNone;      // of the row that `value` is from
  std::size_t squares = kNone;   // the first of the sums of squares
  std::size_t square_parts = 0;  // how many there are; 0: squared distances from the mean, DOUBLE
  std::size_t distinct = kNone;  // index of the table of values seen
  std::size_t times = kNone;     // column of that table: how often; not there: once
  std::size_t seen = kNone;      // column of that table: the call has counted it; where calls share the table
  ValueOrder order = ValueOrder::kAny;  // of that table: in the key before the value
};

// Where a group's window_start and window_end are found.
enum class WindowBounds : std::uint8_t {
  kAbsent,   // there are none
  kKey,      // the state table's window_start says both
  kGiven,    // they are given with the groups, which are all of one window
  kSession,  // SessionColumns say them
};

// Columns of the state table of sessions.
struct SessionColumns {
  std::size_t key = kNone;    // what tells sessions of a group apart: the time of some row
  std::size_t start = kNone;  // time of the first row
  std::size_t last = kNone;   // time of the last row
  std::size_t due = kNone;    // may have ended then, did not before
};

struct AggregateDesign {
  std::vector<std::size_t> by;  // columns of the input
  Aggregation aggregation;
  std::optional<WindowSpec> window;
  std::optional<SliceWindows> slices;  // of windows of event time
  Microseconds lateness = 0;
  Microseconds early = 0;     // how often windows are shown before they end; 0 = not at all
  std::size_t time = kNone;   // column of the input, if there are windows of event time
  std::size_t order = kNone;  // column of the input: event time, with windows or without
  bool processing = false;    // that column is not the input's: see ProcessingTime
  bool partial = false;       // it is merged by another: see partial.h
  bool retracts = false;      // input rows may be taken back
  bool updates = false;       // without a window: every change is emitted; else the last state
  WindowBounds bounds = WindowBounds::kAbsent;

  TableSpec table;                  // key: by, start of the window or slice; or one constant where there is neither
  std::vector<TableSpec> distinct;  // values seen. Key: by, that start, order if there is any, value
  std::vector<CallState> calls;
  std::size_t row_count = kNone;  // column of the table, if rows may be taken back or a window is so many rows
  std::size_t fired = kNone;      // column of the table, if a window outlives its first result
  std::size_t overflow = kNone;   // column of the table, if sums are added together: one of them is out of range

  SessionColumns session;  // of the table, if the window is a session

  std::optional<TimeToLive> ttl;      // of groups, if no window of event time ends them
  std::size_t touched_first = kNone;  // columns of the table of partial rows, if they have event time
  std::size_t touched_last = kNone;

  bool windowed() const { return time != kNone; }
  bool counted() const { return window && window->kind == WindowSpec::Kind::kCount; }
  bool sessions() const { return window && window->kind == WindowSpec::Kind::kSession; }
  bool sliced() const { return slices.has_value() && window->kind != WindowSpec::Kind::kTumble; }
  std::size_t window_start() const { return by.size(); }  // column of the table; of slices if sliced()
  bool global() const { return by.empty() && !windowed(); }
  // Of the key columns of a table of values, those of the group.
  std::size_t group_columns() const { return global() ? 0 : table.key.size(); }
  // The call's table of values is needed to add its groups together.
  bool merges_values(std::size_t call) const {
    return calls[call].distinct != kNone && kept_by(aggregation.calls[call]) != Keeps::kExtreme;
  }
};

// What a window of several slices adds up to: the same calls by `by` alone, in tables that are in no snapshot.
AggregateDesign merged_design(const AggregateDesign& sliced);

// Lays out the tables of a design whose other fields are set.
void lay_out_tables(AggregateDesign& design, const Schema& input, const std::string& stage, const std::string& window);

// What is computed, with time, key and kinds of changes, whatever of it is read.
Schema results_schema(const AggregateDesign& design, const Schema& input);

// Of these texts the first that is no name in the list.
std::string free_name(std::string name, std::span<const Field> taken);

// nullopt with `error` set where the options are wrong for this input.
std::optional<AggregateDesign> design_aggregate(const Values& options, const Schema& input, const std::string& stage,
                                                bool supervised, PlanError* error);

}  // namespace stream
