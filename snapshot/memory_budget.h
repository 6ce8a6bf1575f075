// MemoryBudget: how much of an instance's memory its state may have, from what was measured. Pure.
//
// The bound is on all the memory that the system counts as the instance's: programs and libraries, stacks, batches,
// whatever the stage keeps, and state. State alone can be spilled, so it gets what the rest leaves, less some room for
// what the rest may grow by until the next look.
#pragma once

#include <cstdint>
#include <optional>

namespace stream {

class MemoryBudget {
 public:
  MemoryBudget() = default;
  // `at_start`: what the process had before there was any state; it never needs less.
  MemoryBudget(std::uint64_t memory_bytes, std::uint64_t at_start) : memory_(memory_bytes), at_start_(at_start) {}

  std::uint64_t memory_bytes() const { return memory_; }
  // `most`: what the process had at most so far, which tells what the rest takes for a moment, between two looks.
  // `state`: what state had of it, if it had it lately.
  void observe(std::uint64_t most, std::uint64_t state);
  // What state may have in memory, when the process has `resident` bytes of which `state` are state's. Nothing: the
  // rest needs so much that not even the least is left.
  std::optional<std::uint64_t> state_limit(std::uint64_t resident, std::uint64_t state) const;
  // What `memory` has to be at least, with the same numbers.
  std::uint64_t needed(std::uint64_t resident, std::uint64_t state) const;

  // So much state can be worked on, whatever the work touches at once.
  static constexpr std::uint64_t kLeast = 4 << 20;

 private:
  std::uint64_t rest(std::uint64_t resident, std::uint64_t state) const;
  std::uint64_t room() const;

  std::uint64_t memory_ = UINT64_MAX;
  std::uint64_t at_start_ = 0;
  std::uint64_t most_ = 0;       // so far
  std::uint64_t rest_most_ = 0;  // for a moment
};

}  // namespace stream
