#include "stages/kit/piped_source.h"

#include <algorithm>

namespace stream {

// Gives what the source emits to the stage behind it.
class PipedSource::Feed final : public Emitter {
 public:
  Feed(PipedSource& pipe, Emitter& out) : pipe_(pipe), out_(out) {}

  Status emit(Batch batch, std::size_t /*output*/) override {
    if (batch.schema->time) {
      pipe_.generator_.observe(batch.columns[*batch.schema->time], pipe_.source_->split(), pipe_.clock_.monotonic_us());
    }
    return pipe_.op_ ? pipe_.op_->on_batch(0, std::move(batch), out_)
                     : pipe_.sink_->on_batch(0, std::move(batch), out_);
  }
  Status bad_record(BadRecord record) override { return out_.bad_record(std::move(record)); }
  void late_records(std::uint64_t rows, std::size_t output) override { out_.late_records(rows, output); }
  bool full() const override { return out_.full(); }

 private:
  PipedSource& pipe_;
  Emitter& out_;
};

PipedSource::PipedSource(std::unique_ptr<Source> source, std::unique_ptr<Operator> op, std::unique_ptr<Sink> sink,
                         WatermarkGenerator generator, const Clock& clock)
    : source_(std::move(source)),
      op_(std::move(op)),
      sink_(std::move(sink)),
      generator_(std::move(generator)),
      clock_(clock) {
  STREAM_CHECK((op_ != nullptr) != (sink_ != nullptr));
}

PipedSource::~PipedSource() = default;

Result<Source::Poll> PipedSource::poll(Emitter& out) {
  if (op_ && (op_->has_more() || op_->wake_fd() >= 0)) {
    const bool had_more = op_->has_more();
    STREAM_TRY(op_->more(out));
    if (waits_outside()) return Poll::kIdle;
    if (had_more) return Poll::kMore;
  }
  if (ending_) return Poll::kEnd;
  if (const auto due = op_ ? op_->due() : std::nullopt; due && *due <= clock_.wall_us()) {
    STREAM_TRY(op_->on_time(clock_.wall_us(), out));
    return Poll::kMore;
  }
  if (holding()) return Poll::kIdle;
  if (read_out_) {
    STREAM_TRY(finish(out));
    return Poll::kMore;
  }
  Feed feed(*this, out);
  STREAM_ASSIGN(const Poll polled, source_->poll(feed));
  generator_.advance(source_->split(), clock_.monotonic_us());
  // Nobody else watches what is outside: it is waited for before more is read.
  if (op_) STREAM_TRY(op_->await_results(out));
  STREAM_TRY(advance(out));
  read_out_ = polled == Poll::kEnd;
  return read_out_ ? Poll::kMore : polled;
}

// An operator that goes by the clock has its turn in time.
Microseconds PipedSource::idle_wait() const {
  const auto due = op_ ? op_->due() : std::nullopt;
  const Microseconds wait = source_->idle_wait();
  return due ? std::clamp<Microseconds>(*due - clock_.wall_us(), 0, wait) : wait;
}

Status PipedSource::advance(Emitter& out) {
  if (generator_.watermark() <= watermark_) return {};
  watermark_ = generator_.watermark();
  return op_ ? op_->on_watermark(watermark_, out) : Status();
}

Status PipedSource::finish(Emitter& out) {
  ending_ = true;
  if (sink_) return sink_->on_end();
  STREAM_TRY(op_->on_watermark(kEndOfTime, out));
  while (op_->has_more() && op_->wake_fd() < 0) STREAM_TRY(op_->more(out));
  return op_->on_end(out);
}

}  // namespace stream
