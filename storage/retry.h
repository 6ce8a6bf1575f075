// When a request that got no answer is tried again, and for how long. Pure but for RetryingStore.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "storage/object_store.h"
#include "transport/base/clock.h"

namespace stream {

struct RetryPolicy {
  Microseconds patience = 20'000'000;  // nothing begins after that; 0: once
  Microseconds first = 100'000;
  Microseconds most = 3'000'000;
};

// The pauses of one request: doubled each time, and of each a random part between the half and the whole, so that many
// who lost the same server do not come back together.
class Backoff {
 public:
  Backoff(RetryPolicy policy, std::uint64_t seed) : policy_(policy), random_(seed | 1) {}
  // Before the next try, `spent` after the first began; none: it is given up.
  std::optional<Microseconds> next(Microseconds spent);

 private:
  RetryPolicy policy_;
  std::uint64_t random_;
  std::uint32_t tries_ = 0;
};

// Sleeps so long; false: whoever waits has been told to stop.
using Pause = std::function<bool(Microseconds)>;

// Tries again what is not answered. What has a condition is tried once: whether it was done must be found out first.
std::unique_ptr<ObjectStore> make_retrying(std::unique_ptr<ObjectStore> store, RetryPolicy policy, const Clock& clock,
                                           Pause pause);

}  // namespace stream
