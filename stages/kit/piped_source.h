// PipedSource: an operator or sink together with the source that feeds it in the same process, as
// one source. Plain mode is a run loop around this.
#pragma once

#include <memory>

#include "stages/kit/stage.h"
#include "stages/kit/watermark.h"

namespace stream {

class PipedSource final : public Source {
 public:
  // Exactly one of `op` and `sink` is set.
  PipedSource(std::unique_ptr<Source> source, std::unique_ptr<Operator> op, std::unique_ptr<Sink> sink,
              WatermarkGenerator generator, const Clock& clock);
  ~PipedSource() override;

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return waits_outside() ? op_->wake_fd() : holding() ? -1 : source_->wake_fd(); }
  Microseconds idle_wait() const override;

  Status flush() { return sink_ ? sink_->flush() : Status(); }

 private:
  class Feed;
  bool waits_outside() const { return op_ && op_->has_more() && op_->wake_fd() >= 0; }
  bool holding() const { return op_ && op_->kept_batches() > 0; }  // nothing more is read meanwhile
  Status advance(Emitter& out);
  Status finish(Emitter& out);

  std::unique_ptr<Source> source_;
  std::unique_ptr<Operator> op_;
  std::unique_ptr<Sink> sink_;
  WatermarkGenerator generator_;
  const Clock& clock_;
  Microseconds watermark_ = kNoWatermark;
  bool read_out_ = false;  // the source has ended
  bool ending_ = false;
};

}  // namespace stream
