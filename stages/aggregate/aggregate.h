// Aggregate: counts, sums, minima, maxima and averages per group, for ever or per window.
#pragma once

#include <vector>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/results.h"
#include "stages/aggregate/row_set.h"
#include "stages/kit/stage.h"

namespace stream {

inline constexpr std::size_t kLateOutput = 1;

PlanAnswer plan_aggregate(const PlanRequest& request);

class Aggregate final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. `store` outlives it.
  Aggregate(AggregateDesign design, StateStore& store, SchemaPtr output, SchemaPtr late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  Status on_end(Emitter& out) override;
  bool has_more() const override { return firing_ || scanning_; }
  Status more(Emitter& out) override;
  Status on_restored() override;

 private:
  // A part of the input with the window of each row.
  struct Work {
    Batch batch;
    Column starts;  // only with windows
  };
  struct Changes {
    std::vector<std::uint8_t> existed;  // the group had been emitted
    Computed before;
  };

  // --- input: aggregate.cc
  Status apply(Work work, Emitter& out);
  Status apply_valid(const Work& work, Emitter& out);
  Status apply_one_by_one(const Work& work, Emitter& out);
  Status without_failed(const Work& work, std::span<const RowError> errors, Emitter& out);
  void find_groups(const Work& work);
  void find_global();
  void undo_groups();

  // --- windows: windows.cc
  Status split_by_time(Batch batch, Work* work, Emitter& out);
  Status report_bad_times(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out);
  Status emit_late(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out);
  Microseconds first_open_start(Microseconds watermark) const;
  Status fire_some(Emitter& out);
  Status fire(std::vector<Row>& groups, Emitter& out);
  void finish_firing();

  // --- results: changes.cc
  void find_changed(const Work& work);
  bool alive(Row row) const;
  Changes begin_changes();
  Status emit_changes(const Changes& changes, Emitter& out);
  void choose_picks(const Changes& changes, const Computed& after, std::vector<std::uint32_t>* picks,
                    ByteBuilder* kinds) const;
  Status emit_picked(const Computed& before, const Computed& after, std::span<const std::uint32_t> picks,
                     const std::uint8_t* kinds, Emitter& out);
  Status report_failed(const Computed& computed, std::size_t rows, Emitter& out);
  Status emit_groups(std::vector<Row>& groups, Emitter& out);
  Status scan_some(Emitter& out);
  void end_changes();

  const AggregateDesign design_;
  StateTable& table_;
  std::vector<StateTable*> distinct_;
  Accumulators accumulators_;
  std::optional<Results> results_;  // none: nothing reads them
  SchemaPtr late_;

  std::vector<std::size_t> key_columns_;  // 0, 1, … of keys_
  Batch keys_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> rows_;
  std::vector<std::uint8_t> inserted_;
  RowSet changed_;  // groups of the batch whose change is to be emitted, or that may be gone
  std::vector<RowError> errors_;

  Microseconds watermark_ = kNoWatermark;
  Microseconds open_from_ = INT64_MIN;  // windows that start here or later have not been fired
  Microseconds kept_from_ = INT64_MIN;  // windows that start before are closed for good
  bool firing_ = false;
  TimeCursor time_cursor_;
  bool scanning_ = false;
  TableCursor cursor_;
};

}  // namespace stream
