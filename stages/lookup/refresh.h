// When a reference is read, read again, tried again and given up. Pure: told the time and what happened.
#pragma once

#include <optional>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

class Refresh {
 public:
  static constexpr Microseconds kPatience = 60'000'000;  // so long a reference may be out of reach
  static constexpr Microseconds kPause = 200'000;        // between two attempts

  // `every`: how often what has been read is looked at again; nothing: never.
  explicit Refresh(std::optional<Microseconds> every) : every_(every) {}

  // It is wanted as soon as possible, and once: the first time, or for keys that nobody has read yet.
  void want(Microseconds now) {
    if (!due_ || *due_ > now) due_ = now;
  }
  // When to begin to read; nothing: not until something is wanted, or while it is being read.
  std::optional<Microseconds> due() const { return reading_ ? std::nullopt : due_; }
  bool due_at(Microseconds now) const { return !reading_ && due_ && *due_ <= now; }
  bool reading() const { return reading_; }
  void begun() { reading_ = true; }

  // It has been read, or found unchanged.
  void succeeded(Microseconds now);

  // OK: it is tried again. `have`: there is what was read before, so that anything may be waited for.
  // Errors: the reason, where trying again is of no use or has gone on for too long.
  Status failed(Microseconds now, const Status& why, bool have);

 private:
  const std::optional<Microseconds> every_;
  std::optional<Microseconds> due_;
  std::optional<Microseconds> failing_since_;
  bool reading_ = false;
};

}  // namespace stream
