// SendWindow: how much a sender may have in flight, by bytes and by time. Pure bookkeeping.
//
// The receiver returns credits (bytes consumed so far). The window aims at 100 ms of work: the
// rate at which credits come back while something is in flight, times the target, between one
// small frame and the channel's share of the instance's buffer budget. Measuring at the sender
// counts everything that holds a frame up: queues, the receiver's own work, and the receivers
// behind it. Every frame counts kFrameOverhead bytes more than its size, for what a queue needs
// to hold it.
#pragma once

#include <cstdint>
#include <deque>

#include "transport/base/clock.h"

namespace stream {

class SendWindow {
 public:
  static constexpr Microseconds kTarget = 100'000;
  static constexpr std::uint64_t kFrameOverhead = 512;
  static constexpr std::uint64_t kFloor = 2 * kFrameOverhead;
  static constexpr std::size_t kFramesMax = 1024;

  explicit SendWindow(std::uint64_t budget_bytes);

  // One frame may always be in flight, so that nothing ever stalls for good.
  bool may_send() const;
  // The largest frame worth sending: a quarter of the window.
  std::uint64_t frame_bytes_max() const { return window_ / 4; }

  void sent(std::uint64_t frame_bytes, Microseconds now);

  // `consumed_bytes`: frame bytes the receiver has processed since the channel opened. Returns
  // false for a credit that cannot be: more than was sent, or less than before.
  bool credited(std::uint64_t consumed_bytes, Microseconds now);

  std::uint64_t in_flight_bytes() const { return in_flight_; }
  std::uint64_t window_bytes() const { return window_; }

 private:
  struct InFlight {
    std::uint64_t behind;  // frame bytes sent up to and including this frame
    std::uint64_t cost;
  };
  void measure(std::uint64_t cost, Microseconds now);

  std::uint64_t budget_;
  std::uint64_t window_;
  std::uint64_t sent_ = 0;       // frame bytes
  std::uint64_t consumed_ = 0;   // frame bytes
  std::uint64_t in_flight_ = 0;  // cost: frame bytes + overhead
  std::deque<InFlight> frames_;
  Microseconds busy_since_ = 0;  // start of the time not yet measured; valid while in flight
  std::uint64_t measured_cost_ = 0;
  Microseconds measured_time_ = 0;
  double rate_ = 0;  // cost per microsecond; 0 = not measured yet
};

}  // namespace stream
