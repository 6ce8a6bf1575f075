// AggregateOperator: what all ways of grouping rows share: arguments, rows that are bad, rows that are late.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/emission.h"
#include "stages/aggregate/partial.h"
#include "stages/kit/stage.h"

namespace stream {

// Where emit_open() stands.
struct OpenGroups {
  TableCursor rows;
  std::optional<WindowSpan> window;  // of those rows, if they are of one
  bool done = false;
};

class AggregateOperator : public Operator {
 public:
  // Emits some groups of windows that have not ended, as far as they have come, until `open` is done. Nothing else
  // happens between two calls.
  virtual Status emit_open(OpenGroups& open, Emitter& /*out*/) {
    open.done = true;
    return {};
  }
  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override { return idle_ ? idle_->due() : std::nullopt; }
  Status on_time(Microseconds now, Emitter& out) override;
  Status on_restored() override;
  // Some rows have been added up already.
  void read_partial(std::unique_ptr<PartialRows> partial) { partial_ = std::move(partial); }

 protected:
  // A part of the input with the window, or slice, of each row.
  struct Work {
    Batch batch;
    Column starts;  // only with windows of event time
  };

  // `late`: null where nothing reads it. The context's references outlive it.
  AggregateOperator(AggregateDesign design, const Context& context, SchemaPtr late);

  // Rows that are all partial, or none is.
  virtual Status on_rows(Batch batch, Emitter& out) = 0;

  // Rows whose arguments cannot be computed, and those that make a sum too large, are bad records; the
  // others are added.
  Status apply(Work work, Emitter& out);
  // Adds the rows evaluated last. False if a sum would leave its range: accumulators_.overflow() says
  // which, and all is as it was.
  virtual Result<bool> add(const Work& work, Emitter& out) = 0;

  Work take(const Work& work, std::span<const std::uint32_t> rows) const;
  // The groups of the rows, by the design's key.
  void find_groups(const Work& work);
  void find_global();
  void undo_groups();

  // --- groups that are forgotten: idle.cc
  // The rows found touch their groups; those that are forgotten by then begin anew. Returns the rows to add: not those
  // that take back what is no longer known.
  std::vector<std::uint32_t> touch_groups(const Batch& batch);
  void erase_values(Row group);

  // Leaves in `work` the rows of slices that start at `kept_from` or later. Others are late, or bad.
  Status split_by_time(Batch batch, Microseconds kept_from, Work* work, Emitter& out);
  Status report_bad_times(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out);
  Status emit_late(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out);

  const AggregateDesign design_;
  StateTable& table_;
  std::vector<StateTable*> distinct_;
  Accumulators accumulators_;
  std::optional<IdleRows> idle_;  // none: groups are kept for ever, or windows end them
  SchemaPtr late_;

  std::vector<std::size_t> key_columns_;  // 0, 1, … of keys_
  Batch keys_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> rows_;
  std::vector<std::uint8_t> inserted_;

 private:
  Status split_by_touch(Batch batch, Emitter& out);
  TouchTimes touch_times_of(const Batch& batch) const;
  bool taken_back(const Batch& batch, std::size_t row) const;
  void expire(Microseconds now);

  bool partial(const Batch& batch) const { return partial_ && batch.rows != 0 && partial_->partial(batch, 0); }
  Status apply_valid(const Work& work, Emitter& out);
  Status apply_one_by_one(const Work& work, Emitter& out);
  Status without_failed(const Work& work, std::span<const RowError> errors, Emitter& out);

  const Clock& clock_;
  Microseconds now_ = 0;                  // of the batch, where groups are forgotten by the clock; never goes back
  std::unique_ptr<PartialRows> partial_;  // none: the input has only rows as they were
  std::vector<RowError> errors_;
};

// A time so much earlier, and not before time began.
Microseconds earlier(Microseconds time, Microseconds by);

}  // namespace stream
