// SessionAggregate: rows of a key that are less than a gap apart.
#pragma once

#include <optional>
#include <vector>

#include "stages/aggregate/operator.h"
#include "stages/aggregate/session_finder.h"

namespace stream {

class SessionAggregate final : public AggregateOperator {
 public:
  // `output`, `late`: null where nothing reads them. The context's references outlive it.
  SessionAggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late);

  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return firing_; }
  Status more(Emitter& out) override { return fire_some(out); }
  Status emit_open(OpenGroups& open, Emitter& out) override;

 private:
  Status on_rows(Batch batch, Emitter& out) override;
  Status drop_bad_times(Batch* batch, Emitter& out);
  Status add_or_late(const Work& row, Emitter& out);
  Result<bool> add(const Work& work, Emitter& out) override;
  void find_sessions(const Work& work);
  void make_sessions();
  void assign_rows();
  void erase_made();
  void keep_extents();
  void merge_absorbed();
  void merge_values(std::size_t call);
  void erase_values(std::span<const Row> sessions);

  Microseconds end_of(Row session) const;
  Status fire_some(Emitter& out);

  SessionFinder finder_;
  std::optional<Results> results_;   // none: nothing reads them
  std::vector<std::uint32_t> made_;  // sessions of the finder that the batch has made

  Microseconds watermark_ = kNoWatermark;
  bool firing_ = false;
  TimeCursor cursor_;
};

}  // namespace stream
