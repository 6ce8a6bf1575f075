#include "stages/kit/idle_memory.h"

#include <utility>

namespace stream {
namespace {

constexpr std::uint32_t kFirst = 4;
constexpr std::uint32_t kEvery = 20;

}  // namespace

bool IdleMemory::due(Microseconds idle_us, Microseconds total_us) {
  const Microseconds idle = idle_us - std::exchange(idle_us_, idle_us);
  const Microseconds total = total_us - std::exchange(total_us_, total_us);
  const bool quiet = idle * 20 >= total * 19;
  quiet_calls_ = quiet ? quiet_calls_ + 1 : 0;
  return quiet && quiet_calls_ % kEvery == kFirst;
}

}  // namespace stream
