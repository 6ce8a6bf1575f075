// Numbers that look random, of what they are made from: ids that need no generator.
#pragma once

#include <cstdint>
#include <string_view>

namespace stream::metrics {

constexpr std::uint64_t spread(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

constexpr std::uint64_t spread(std::string_view text) {
  std::uint64_t value = text.size();
  for (const char c : text) value = spread(value * 131 + static_cast<unsigned char>(c));
  return value;
}

}  // namespace stream::metrics
