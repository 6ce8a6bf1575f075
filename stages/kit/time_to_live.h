// What of its state a stage forgets when nothing has touched it for a while: the option `ttl`.
//
// How long ago that was is known to 1/256 of the time, so that rows touched together stand under one time and the
// order by time costs next to nothing. Nothing is forgotten early.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "snapshot/state_table.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "stages/kit/stage.h"
#include "transport/record/batch.h"

namespace stream {

struct TimeToLive {
  Microseconds after = 0;           // untouched for so long
  std::optional<std::size_t> time;  // column of the input: when its rows touch; none: as they come, by the clock
  std::size_t touched = SIZE_MAX;   // column of the state table
};

// Sets `ttl` where the option is given: by event time where the input has it, unless `by_clock`, else by the clock.
// False with `error` set where it is wrong.
bool read_ttl(const Values& options, const Schema& input, bool by_clock, std::optional<TimeToLive>* ttl,
              PlanError* error);
// The column `touched`, last in the table, whose rows are then ordered by it.
void add_touched(TableSpec& table, TimeToLive& ttl, const std::string& name, const Schema& input);

// When the rows of a batch touch what is kept. A row that stands for many has a first and a last time.
struct TouchTimes {
  const Microseconds* first = nullptr;  // null: `now`
  const Microseconds* last = nullptr;
  Microseconds now = 0;

  Microseconds first_of(std::size_t row) const { return first == nullptr ? now : first[row]; }
  Microseconds last_of(std::size_t row) const { return last == nullptr ? now : last[row]; }
};
// `now`: where there is no event time. The batch has a time in each row, and outlives what is returned.
TouchTimes touch_times(const TimeToLive& ttl, const Batch& batch, Microseconds now);

// Where the rows end that begin at `begin` and lie within `span` of each other: of those that touch the same, only the
// first can find it forgotten.
std::size_t rows_within(const TouchTimes& times, std::size_t begin, std::size_t end, Microseconds span);

// IdleRows: the rows of one state table by when they were touched.
class IdleRows {
 public:
  // The table is ordered by `ttl.touched`, and outlives it.
  IdleRows(const TimeToLive& ttl, StateTable& table);

  bool by_clock() const { return !ttl_.time.has_value(); }
  Microseconds after() const { return ttl_.after; }

  // Nothing has touched the row for too long at `time`: it counts as forgotten. Never true of a row just made.
  bool idle(Row row, Microseconds time) const {
    return !table_.is_null(row, ttl_.touched) && table_.get<std::int64_t>(row, ttl_.touched) < kept_from(time);
  }
  // Must be called of every row that is made.
  void touch(Row row, Microseconds time);
  // Erases the rows that are forgotten when time has come to `now`, after forget(Row) of each. The end of the input
  // says nothing about how old they are.
  template <class Forget>
  void expire(Microseconds now, Forget&& forget) {
    if (now == kNoWatermark || now == kEndOfTime) return;
    adopt(now);
    Row rows[64];
    TimeCursor cursor;
    for (std::size_t count = std::size(rows); count == std::size(rows);) {
      count = table_.scan_before(cursor, kept_from(now), rows);
      for (std::size_t i = 0; i < count; ++i) forget(rows[i]);
    }
    table_.erase_before(kept_from(now));
  }
  // By the clock: when the first one is to be forgotten.
  std::optional<Microseconds> due() const;

  // Rows kept from before there was a time to live count from the next time that is known.
  void restored();

 private:
  Microseconds kept_from(Microseconds time) const;
  void adopt(Microseconds now);

  const TimeToLive ttl_;
  const Microseconds grain_;
  StateTable& table_;
  bool untimed_ = false;  // some row may have no time
};

}  // namespace stream
