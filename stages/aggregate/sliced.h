// SlicedAggregate: windows that overlap, made of slices: hop and cumulate.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "stages/aggregate/fired_groups.h"
#include "stages/aggregate/operator.h"
#include "stages/aggregate/row_set.h"
#include "stages/aggregate/window_merger.h"

namespace stream {

class SlicedAggregate final : public AggregateOperator {
 public:
  // `output`, `late`: null where nothing reads them. The context's store outlives it.
  SlicedAggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late);

  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return firing_; }
  Status more(Emitter& out) override { return fire_some(out); }
  Status emit_open(OpenGroups& open, Emitter& out) override;
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  Status on_rows(Batch batch, Emitter& out) override;
  // A window that has been fired, is kept, and changes.
  struct Change {
    WindowSpan window;
    Batch keys;  // the groups that change
    Computed before;
    std::vector<std::uint8_t> existed;
  };

  Result<bool> add(const Work& work, Emitter& out) override;
  void erase_empty();

  // --- firing
  std::optional<WindowSpan> window_behind(Microseconds end) const;
  bool next_window();
  Status fire_some(Emitter& out);
  Status emit_some(Emitter& out);
  void finish_firing();

  // --- rows of fired windows
  std::vector<Microseconds> fired_until(const Work& work) const;
  Status split_by_group(Work* work, Emitter& out);
  Batch keys_of(const Work& work) const;
  std::map<Microseconds, std::vector<std::uint32_t>> fired_windows(const Work& work) const;
  std::vector<Change> begin_changes(const Work& work);
  Status end_changes(const std::vector<Change>& changes, Emitter& out);

  WindowMerger merger_;
  std::optional<Results> results_;  // none: nothing reads them
  FiredGroups fired_;
  RowSet touched_;

  Microseconds watermark_ = kNoWatermark;
  Microseconds fired_until_ = kNoWatermark;      // windows that end until then have been fired
  Microseconds resumable_until_ = kNoWatermark;  // … by a watermark that is not the end of time
  Microseconds kept_from_ = INT64_MIN;           // slices that start before are in no window that is open or kept
  bool firing_ = false;
  bool emitting_ = false;  // of window_, from cursor_
  WindowSpan window_;
  TableCursor cursor_;
};

}  // namespace stream
