// How many instances a stage may have, at least and at most: `parallelism: {min: 1, max: 8}`, or 1..8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

inline constexpr std::uint32_t kInstancesMax = 1024;  // of a stage

struct InstanceBounds {
  std::uint32_t least = 0;
  std::uint32_t most = 0;  // 0: it has none, its number is fixed

  bool given() const { return most != 0; }
  std::uint32_t clamp(std::uint32_t instances) const {
    return instances < least ? least : instances > most ? most : instances;
  }
  friend bool operator==(const InstanceBounds&, const InstanceBounds&) = default;
};

// Errors: kUsage.
Result<InstanceBounds> parse_bounds(std::string_view text);
inline bool looks_like_bounds(std::string_view text) { return text.find("..") != std::string_view::npos; }
std::string to_string(const InstanceBounds& bounds);  // "1..8"

}  // namespace stream
