// Random numbers that depend on a seed and a place in the stream alone, so that any part of the stream
// can be made anywhere, any time, in any order.
#pragma once

#include <cstdint>

namespace stream {

inline constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ULL;

// SplitMix64: neighbouring numbers become unrelated ones.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x += kGoldenGamma;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// From the high bits of a random number: 0 <= result < bound, all alike but for one in 2^64 / bound.
constexpr std::int64_t below(std::uint64_t random, std::int64_t bound) {
  return static_cast<std::int64_t>((static_cast<unsigned __int128>(random) * static_cast<std::uint64_t>(bound)) >> 64);
}

// From 0 to 1, without 1.
constexpr double unit(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1.0p-53; }

// One number after the other, from any start.
class RandomRun {
 public:
  explicit constexpr RandomRun(std::uint64_t start) : state_(start) {}
  constexpr std::uint64_t next() {
    const std::uint64_t random = mixed(state_);
    state_ += kGoldenGamma;
    return random;
  }

 private:
  std::uint64_t state_;
};

}  // namespace stream
