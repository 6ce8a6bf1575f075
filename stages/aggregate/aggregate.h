// Aggregate: groups that are kept for ever or while rows touch them, and those of tumbling windows.
#pragma once

#include <optional>
#include <vector>

#include "stages/aggregate/operator.h"
#include "stages/aggregate/row_set.h"

namespace stream {

class Aggregate final : public AggregateOperator {
 public:
  // `output`, `late`: null where nothing reads them. The context's references outlive it.
  Aggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late);

  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  Status on_end(Emitter& out) override;
  Status emit_open(OpenGroups& open, Emitter& out) override;
  bool has_more() const override { return firing_ || scanning_; }
  Status more(Emitter& out) override;

 private:
  Status on_rows(Batch batch, Emitter& out) override;
  struct Changes {
    std::vector<std::uint8_t> existed;  // the group had been emitted
    Computed before;
  };

  Result<bool> add(const Work& work, Emitter& out) override;
  Result<bool> add_known(const Work& work, std::span<const std::uint32_t> known, Emitter& out);

  // --- windows: windows.cc
  Status fire_some(Emitter& out);
  Status fire(std::vector<Row>& groups, Emitter& out);
  void finish_firing();

  // --- results: changes.cc
  void find_changed(const Work& work);
  bool alive(Row row) const;
  bool empty(Row row) const;
  Changes begin_changes();
  Status emit_changes(const Changes& changes, Emitter& out);
  Picks choose_picks(const Changes& changes, const Computed& after) const;
  Status scan_some(Emitter& out);
  void end_changes();

  std::optional<Results> results_;  // none: nothing reads them
  RowSet changed_;                  // groups of the batch whose change is to be emitted, or that may be gone

  Microseconds watermark_ = kNoWatermark;
  Microseconds open_from_ = INT64_MIN;  // windows that start here or later have not been fired
  Microseconds kept_from_ = INT64_MIN;  // windows that start before are closed for good
  bool firing_ = false;
  TimeCursor time_cursor_;
  bool scanning_ = false;
  TableCursor cursor_;
};

}  // namespace stream
