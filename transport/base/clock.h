// The clock seam: the only source of time. Tests pass a ManualClock.
#pragma once

#include <cstdint>

namespace stream {

using Microseconds = std::int64_t;  // since 1970-01-01T00:00:00Z, or a difference

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Microseconds monotonic_us() const = 0;  // never goes back; origin unspecified
  virtual Microseconds wall_us() const = 0;       // UTC
};

// The machine's clocks. Stateless; lives for the whole process.
const Clock& system_clock();

class ManualClock final : public Clock {
 public:
  Microseconds monotonic_us() const override { return now_; }
  Microseconds wall_us() const override { return now_; }
  void advance(Microseconds by) { now_ += by; }

 private:
  Microseconds now_ = 0;
};

}  // namespace stream
