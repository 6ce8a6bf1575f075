#include "stages/kit/aligner.h"

namespace stream {

BarrierAligner::BarrierAligner(std::size_t channels, AlignmentMode mode)
    : mode_(mode), delivered_(channels, false), missing_(channels) {
  STREAM_CHECK(channels > 0);
}

void BarrierAligner::start(Epoch epoch) {
  epoch_ = epoch;
  delivered_.assign(delivered_.size(), false);
  missing_ = delivered_.size();
}

void BarrierAligner::replace(std::size_t channels) {
  STREAM_CHECK(channels > 0 && !aligning());
  delivered_.assign(channels, false);
  missing_ = channels;
}

Result<BarrierAligner::Step> BarrierAligner::on_barrier(std::size_t channel, Epoch epoch) {
  if (epoch < epoch_ || (epoch == epoch_ && !aligning())) return Step::kLate;
  if (epoch > epoch_) start(epoch);
  if (delivered_[channel]) {
    return corrupt("barrier of checkpoint " + std::to_string(epoch.value()) + " delivered twice");
  }
  delivered_[channel] = true;
  if (--missing_ > 0) return Step::kWait;
  start(epoch);
  return Step::kComplete;
}

}  // namespace stream
