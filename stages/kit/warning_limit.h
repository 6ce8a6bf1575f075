// WarningLimit: what happens often is told at most once a second, but the newest count is told sooner or later.
#pragma once

#include <cstdint>
#include <utility>

#include "transport/base/clock.h"

namespace stream {

class WarningLimit {
 public:
  // It has happened again. True: tell it now.
  bool happened(Microseconds now) {
    untold_ = true;
    return due(now);
  }

  // True if it has happened since it was told last, and that may be told now.
  bool due(Microseconds now) {
    if (!untold_ || (told_at_ != INT64_MIN && now - told_at_ < kEvery)) return false;
    told_at_ = now;
    untold_ = false;
    return true;
  }

  // True once, if it has happened since it was told last: nothing more will.
  bool rest() { return std::exchange(untold_, false); }

 private:
  static constexpr Microseconds kEvery = 1'000'000;
  Microseconds told_at_ = INT64_MIN;
  bool untold_ = false;
};

}  // namespace stream
