#include "snapshot/memory_budget.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

std::uint64_t MemoryBudget::rest(std::uint64_t resident, std::uint64_t state) const {
  return std::max(at_start_, resident > state ? resident - state : 0);
}

std::uint64_t MemoryBudget::room() const { return std::clamp(memory_ / 8, 4 * kMiB, 64 * kMiB); }

void MemoryBudget::observe(std::uint64_t most, std::uint64_t state) {
  if (most_ != 0 && most > most_) rest_most_ = std::max(rest_most_, most - std::min(most, state));
  most_ = std::max(most_, most);
}

std::optional<std::uint64_t> MemoryBudget::state_limit(std::uint64_t resident, std::uint64_t state) const {
  const std::uint64_t used = rest(resident, state);
  if (used + kLeast > memory_) return std::nullopt;
  return std::max(kLeast, memory_ - std::min(memory_, std::max(used + room(), rest_most_ + room() / 2)));
}

std::uint64_t MemoryBudget::needed(std::uint64_t resident, std::uint64_t state) const {
  return (rest(resident, state) * 5 / 4 + kLeast + room()) / kMiB * kMiB;
}

}  // namespace stream
