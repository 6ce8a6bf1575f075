// Combiner: adds up the rows of a group in front of the hop, so that a hot key costs its instance a row now and then.
//
// It keeps groups for a moment only, and none over a barrier: there is no state to restore. What it cannot judge goes
// on as it was, for the aggregate behind it to judge as it would have: rows behind time, bad ones, sums out of range.
// What it gives leaves in the order in which it came, group by group.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/design.h"
#include "stages/kit/stage.h"

namespace stream {

class Combiner final : public Operator {
 public:
  // `partial`: see partial_design(). `output`: what is read of the partial rows. The clock outlives it.
  Combiner(const AggregateDesign& partial, const Schema& input, SchemaPtr output, const Clock& clock);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override { return due_; }
  Status on_time(Microseconds /*now*/, Emitter& out) override { return flush(out); }
  Status await_results(Emitter& out) override { return flush(out); }
  Status on_end(Emitter& out) override { return flush(out); }

 private:
  // Where a column of the output comes from.
  struct Origin {
    std::size_t whole = kNone;  // column of the input
    std::size_t group = kNone;  // of the table of groups
  };

  Origin origin_of(const Field& field, const Schema& input) const;
  bool windowed() const { return design_.windowed(); }
  bool forgets() const { return design_.touched_first != kNone; }

  Status add(Batch batch, Emitter& out);
  // Leaves the rows that may be added up; the others are sent.
  Status send_behind_time(Batch* batch, Emitter& out);
  Status send_timeless(Batch* batch, Emitter& out);
  Status send_failed(Batch* batch, Emitter& out);
  Status send(const Batch& whole, Emitter& out);
  Status add_good(const Batch& batch, Emitter& out);
  bool accumulate(const Batch& batch);
  std::size_t close_rows(const Batch& batch, std::size_t begin);
  void touch(const Batch& batch);
  void find_groups(const Batch& batch);

  bool ended() const;
  Status flush(Emitter& out);
  void judge();
  Column nulls(Type type, std::size_t rows);

  const AggregateDesign design_;
  SchemaPtr output_;
  const Clock& clock_;
  std::vector<Origin> origins_;  // by column of the output
  StateTable table_;
  Accumulators accumulators_;

  Microseconds watermark_ = kNoWatermark;
  std::optional<Microseconds> due_;         // of what is kept
  Microseconds first_start_ = 0;            // … the earliest window or slice
  std::size_t rows_kept_ = 0;               // … how many rows
  Microseconds touched_first_ = INT64_MAX;  // … of all their times, where groups are forgotten by event time
  Microseconds touched_last_ = INT64_MIN;
  std::size_t pass_ = 0;  // so many rows go on as they are before it tries again
  std::size_t pass_next_ = 0;

  // Of a batch.
  Column starts_;
  std::vector<std::size_t> key_columns_;  // 0, 1, …
  Batch keys_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> rows_;
  std::vector<std::uint8_t> inserted_;
  std::vector<RowError> errors_;
  Buffer zeros_;
};

}  // namespace stream
