// Attempts: whether and when a program that has died is started again. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "transport/base/clock.h"

namespace stream {

class Attempts {
 public:
  explicit Attempts(std::uint32_t most) : most_(most) {}

  void progressed() { failed_ = 0; }
  // How long to wait before it is started again; nothing: it has failed too often with nothing done between.
  std::optional<Microseconds> failed() {
    if (++failed_ >= most_) return std::nullopt;
    return std::min<Microseconds>(kDelayMax, kDelay << std::min<std::uint32_t>(failed_ - 1, 20));
  }
  std::uint32_t in_a_row() const { return failed_; }

 private:
  static constexpr Microseconds kDelay = 10'000;
  static constexpr Microseconds kDelayMax = 5'000'000;
  const std::uint32_t most_;
  std::uint32_t failed_ = 0;
};

}  // namespace stream
