// BarrierAligner: when has an instance seen the barrier of a checkpoint on all of its channels?
//
// Pure bookkeeping: it reads no socket and no clock, so every interleaving can be tested. Barriers
// go on travelling over a channel after its `end`, so an ended channel needs no special case.
#pragma once

#include <cstdint>
#include <vector>

#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace stream {

enum class AlignmentMode : std::uint8_t {
  kExactlyOnce,  // a channel that delivered its barrier is not read until the others have
  kAtLeastOnce,  // reading goes on; a restore may see some records twice
};

class BarrierAligner {
 public:
  // channels: 1 or more.
  BarrierAligner(std::size_t channels, AlignmentMode mode);

  enum class Step : std::uint8_t {
    kWait,      // others are missing: held(channel) tells whether to stop reading this one
    kComplete,  // every channel has delivered: snapshot now; nothing is held any more
    kLate,      // a barrier of a checkpoint that a newer one has replaced: ignore it
  };

  // A barrier newer than the one being aligned cancels that one and starts its own alignment.
  // Errors: kCorrupt if the channel has delivered this barrier already.
  Result<Step> on_barrier(std::size_t channel, Epoch epoch);

  // It has other channels from now on. Only while nothing is being aligned.
  void replace(std::size_t channels);

  bool held(std::size_t channel) const { return mode_ == AlignmentMode::kExactlyOnce && delivered_[channel]; }
  bool aligning() const { return missing_ != delivered_.size(); }
  Epoch epoch() const { return epoch_; }  // being aligned, or the last one completed

 private:
  void start(Epoch epoch);

  AlignmentMode mode_;
  Epoch epoch_;
  std::vector<bool> delivered_;
  std::size_t missing_;
};

}  // namespace stream
