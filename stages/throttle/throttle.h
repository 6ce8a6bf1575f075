// Throttle: lets at most so many rows a second go on.
//
// What waits is kept in the order it came, watermarks between the rows. At a snapshot the rows that wait go into a
// state table, so no barrier has to wait for them.
#pragma once

#include <deque>
#include <optional>

#include "stages/kit/stage.h"
#include "stages/kit/stored_rows.h"
#include "stages/throttle/token_bucket.h"

namespace stream {

PlanAnswer plan_throttle(const PlanRequest& request);

class Throttle final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  Throttle(double rows_a_second, Context& context);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override;
  std::size_t kept_batches() const override { return batches_; }
  std::optional<Microseconds> due() const override;
  Status on_time(Microseconds now, Emitter& out) override;
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  struct Waiting {
    std::optional<Batch> batch;  // none: a watermark
    std::uint32_t begin = 0;     // rows that have gone
    Microseconds watermark = kNoWatermark;
  };
  struct Table {
    StateTable* rows;
    StoredRows columns;
  };
  static Table open_table(Context& context);

  Status let_go(Microseconds now, Emitter& out);
  Status emit_front(std::size_t most, Emitter& out);
  void pass_watermarks();
  void store(const Waiting& waiting, std::int64_t number);

  TokenBucket bucket_;
  const Clock& clock_;
  const std::int64_t instance_;
  const std::uint32_t parallelism_;
  SchemaPtr input_;
  SchemaPtr output_;  // null: nothing reads it
  Table table_;

  std::deque<Waiting> waiting_;
  std::size_t batches_ = 0;  // among them
  Microseconds passed_ = kNoWatermark;
  std::int64_t gone_ = 0;         // rows so far: the number of the first that waits
  std::int64_t stored_from_ = 0;  // numbers of the rows in the table
  std::int64_t stored_until_ = 0;
};

}  // namespace stream
