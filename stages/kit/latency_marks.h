// LatencyMarks: how long rows take from their source to the end of each stage, as Flink's latency markers tell it. A
// mark is the time when a source emitted rows; it goes with them, or passes by what an operator keeps. Bounded: a
// source makes ten a second, an operator gives on twenty at most, and so many are remembered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

class LatencyMarks {
 public:
  static constexpr Microseconds kEvery = 100'000;   // of a source
  static constexpr Microseconds kOnwards = 50'000;  // between two that are given on
  static constexpr std::size_t kKept = 64;          // until they are taken

  // Whether one is due that goes out `every` so often.
  bool due(Microseconds now, Microseconds every) {
    if (now - last_ < every) return false;
    last_ = now;
    return true;
  }

  // The newest stay. Clocks of two machines may differ: nothing takes less than no time.
  void arrived(Microseconds origin, Microseconds wall) {
    const Microseconds took = std::max<Microseconds>(0, wall - origin);
    if (kept_.size() < kKept)
      kept_.push_back(took);
    else
      kept_[next_++ % kKept] = took;
  }

  // Microseconds, of those since the last call.
  std::vector<Microseconds> take() {
    next_ = 0;
    return std::exchange(kept_, {});
  }

 private:
  Microseconds last_ = INT64_MIN / 2;
  std::vector<Microseconds> kept_;
  std::size_t next_ = 0;
};

}  // namespace stream
