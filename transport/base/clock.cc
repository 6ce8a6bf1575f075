#include "transport/base/clock.h"

#include <chrono>

namespace stream {
namespace {

class SystemClock final : public Clock {
 public:
  Microseconds monotonic_us() const override { return count(std::chrono::steady_clock::now()); }
  Microseconds wall_us() const override { return count(std::chrono::system_clock::now()); }

 private:
  template <class TimePoint>
  static Microseconds count(TimePoint t) {
    return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace stream
