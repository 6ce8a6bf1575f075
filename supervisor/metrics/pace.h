// Pace: when a reporter is due. While it fails it is tried more and more seldom. Pure.
#pragma once

#include <algorithm>

#include "transport/base/clock.h"

namespace stream::metrics {

class Pace {
 public:
  static constexpr Microseconds kSeldom = 60'000'000;

  explicit Pace(Microseconds interval) : interval_(interval) {}

  // A little early is right as well: views come as often as the most eager reporter wants them, and the next might be
  // late.
  bool due(Microseconds now) const { return now >= next_ - interval_ / 10; }
  bool failing() const { return failures_ > 0; }

  void done(bool delivered, Microseconds now) {
    failures_ = delivered ? 0 : failures_ + 1;
    const bool in_time = next_ > 0 && now - next_ < interval_;
    Microseconds wait = interval_;
    for (int i = 1; i < failures_ && wait < kSeldom; ++i) wait *= 2;
    next_ = (in_time && delivered ? next_ : now) + std::max(interval_, std::min(wait, kSeldom));
  }

 private:
  Microseconds interval_;
  Microseconds next_ = 0;
  int failures_ = 0;
};

}  // namespace stream::metrics
