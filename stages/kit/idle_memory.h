// IdleMemory: when an instance should give back the memory that batches have left behind. While
// batches come it is kept, since fetching it again and again costs more than it is worth. Pure.
#pragma once

#include <cstdint>

#include "transport/base/clock.h"

namespace stream {

class IdleMemory {
 public:
  // Called at equal intervals with the loop's running totals. True when there has been next to
  // nothing to do for some calls, and then again now and then, as snapshots leave memory as well.
  bool due(Microseconds idle_us, Microseconds total_us);

 private:
  Microseconds idle_us_ = 0;
  Microseconds total_us_ = 0;
  std::uint32_t quiet_calls_ = 0;
};

}  // namespace stream
