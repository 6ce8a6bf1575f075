// EarlyResults: shows windows before they end, as far as they have come, and takes back what it has shown.
//
// What has been shown stands in a table of its own, so that a restart takes back the same.
#pragma once

#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "stages/aggregate/emission.h"
#include "stages/aggregate/operator.h"

namespace stream {

// Where results that have been shown are kept. `results`: what the aggregate gives, with its key.
TableSpec shown_spec(const AggregateDesign& design, const Schema& results);

class EarlyResults final : public Operator {
 public:
  // `windows` computes `design` and emits whole `results`; `output` is what is read of them. The context's store and
  // clock outlive it.
  EarlyResults(const AggregateDesign& design, SchemaPtr results, std::unique_ptr<AggregateOperator> windows,
               Context& context, SchemaPtr output);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override { return windows_->output_watermark(watermark); }
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override;
  Status on_time(Microseconds now, Emitter& out) override;
  Status on_end(Emitter& out) override { return windows_->on_end(out); }
  bool has_more() const override { return windows_->has_more() || showing_; }
  Status more(Emitter& out) override;
  Status on_restored() override { return windows_->on_restored(); }
  Status before_snapshot() override { return windows_->before_snapshot(); }

 private:
  class Taking;

  Status show_some(Emitter& out);
  Status take_back_unseen(Emitter& out);
  Status close(Emitter& out);

  // What the windows emit: …
  Status take(const Batch& results, Emitter& out);
  void find(const Batch& results);
  Status emit_differences(const Batch& results, Emitter& out);  // … from what has been shown
  void remember(const Batch& results);                          // … while windows are shown
  void forget();                                                // … when they have ended
  Status take_back(std::vector<Row>& rows, Emitter& out);
  Batch gathered(std::span<const Row> rows) const;
  Status emit(Batch results, Emitter& out) const;

  const Microseconds interval_;
  SchemaPtr results_;
  std::unique_ptr<AggregateOperator> windows_;
  const StateTable& groups_;
  StateTable& shown_;
  const Clock& clock_;
  SchemaPtr output_;
  std::vector<std::size_t> read_;     // columns of the results, as the output wants them
  std::vector<std::size_t> columns_;  // of the table, by column of the results
  Microseconds next_;                 // when windows are shown again
  Microseconds watermark_ = kNoWatermark;

  bool showing_ = false;
  OpenGroups open_;
  std::unordered_set<const void*> seen_;  // rows of the table whose windows are open
  bool closing_ = false;

  std::vector<std::uint64_t> hashes_;  // of a batch of results
  std::vector<Row> rows_;              // … what has been shown of them; null: nothing
  std::vector<std::uint8_t> differ_;
};

}  // namespace stream
