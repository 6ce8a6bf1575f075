// HyperLogLog: about how many different values there were, in 4 KiB at most.
//
// A sketch is bytes: nothing; or up to 1,024 entries of 3 bytes, rising (the register, little endian, and its rank); or
// 4,096 registers. Equal sets of values make equal bytes, whatever their order. The standard error is
// 1.04 / sqrt(4096) = 1.6 %; few values are counted nearly exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stream {

class HyperLogLog {
 public:
  static constexpr unsigned kBits = 12;
  static constexpr std::size_t kRegisters = std::size_t{1} << kBits;

  // Writes to `to` the sketch with one value more, of which this is the hash. False if it is the same.
  static bool add(std::string_view sketch, std::uint64_t hash, std::string& to);
  static std::string merge(std::string_view a, std::string_view b);
  static double estimate(std::string_view sketch);
};

}  // namespace stream
