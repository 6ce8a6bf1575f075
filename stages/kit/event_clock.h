// EventClock: in a test of a pipeline the wall clock shows event time, as far as it has come, so that what goes by the
// clock of the machine gives the same results each time. It begins at 1970.
#pragma once

#include <algorithm>

#include "transport/base/clock.h"

namespace stream {

class EventClock final : public Clock {
 public:
  Microseconds monotonic_us() const override { return system_clock().monotonic_us(); }
  Microseconds wall_us() const override { return now_; }
  // The end of time is no time of the clock.
  void reach(Microseconds watermark) {
    if (watermark != INT64_MAX) now_ = std::max(now_, watermark);
  }

 private:
  Microseconds now_ = 0;
};

}  // namespace stream
