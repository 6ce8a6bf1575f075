// TopNDesign: what a top-n ranks and where it keeps it. Planning and running derive it from the same
// options, so that they agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/kit/ordering.h"
#include "stages/kit/plan.h"
#include "stages/kit/time_to_live.h"

namespace stream {

inline constexpr std::size_t kNone = SIZE_MAX;

struct TopNDesign {
  Schema input;
  std::vector<std::size_t> by;
  std::vector<OrderColumn> order;
  std::uint64_t limit = 0;
  std::string rank;       // name of the column that says it, or ""
  bool retracts = false;  // rows may be taken back: all are kept, for another may come up
  bool windows = false;   // `by` has the event time: a group is complete once the watermark is past it
  // A row of the output is known by its group and rank: an update goes under one key.
  bool ranked() const { return !rank.empty() || (limit == 1 && !by.empty()); }

  TableSpec table;                   // key: by, or one constant; then the input's key if it retracts, else arrival
  std::vector<std::size_t> columns;  // of the input -> of the table
  std::optional<TimeToLive> ttl;     // of groups
  TableSpec ages;                    // key: as the table's; when the group was touched
  std::size_t arrival = kNone;       // column of the table: a number that tells equal rows apart
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<TopNDesign> design_top_n(const Values& options, const Schema& input, const std::string& stage,
                                       PlanError* error);

}  // namespace stream
