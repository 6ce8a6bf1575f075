// ProcessingTime: gives rows the time at which they come, and lets that clock end the windows behind it.
#pragma once

#include <memory>
#include <optional>

#include "snapshot/state_table.h"
#include "stages/aggregate/design.h"
#include "stages/kit/stage.h"

namespace stream {

// The input with a column for that time behind its own.
Schema with_processing_time(const Schema& input);

class ProcessingTime final : public Operator {
 public:
  // `windows` computes `design` over with_processing_time(input), with its state in `table`. The table and the clock
  // outlive it.
  ProcessingTime(const AggregateDesign& design, const Schema& input, std::unique_ptr<Operator> windows,
                 const StateTable& table, const Clock& clock);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override { return due_; }
  Status on_time(Microseconds now, Emitter& out) override;
  Status on_end(Emitter& out) override { return windows_->on_end(out); }
  bool has_more() const override { return windows_->has_more(); }
  Status more(Emitter& out) override { return windows_->more(out); }
  Status on_restored() override;
  Status before_snapshot() override { return windows_->before_snapshot(); }

 private:
  Microseconds first_end(Microseconds now) const;

  const std::optional<SliceWindows> slices_;  // none: sessions
  const Microseconds size_;
  SchemaPtr schema_;
  std::unique_ptr<Operator> windows_;
  const StateTable& table_;
  const Clock& clock_;
  Microseconds now_ = 0;  // never goes back, whatever the clock does
  std::optional<Microseconds> due_;
};

}  // namespace stream
