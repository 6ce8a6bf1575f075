// EntryId: what names an entry of a Redis stream: milliseconds since 1970 and a number within them.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stream {

struct EntryId {
  std::uint64_t milliseconds = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const EntryId&, const EntryId&) = default;
};

inline std::string to_string(const EntryId& id) {
  return std::to_string(id.milliseconds) + "-" + std::to_string(id.number);
}

inline std::optional<EntryId> parse_entry_id(std::string_view text) {
  EntryId id;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, id.milliseconds);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, id.number);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return id;
}

}  // namespace stream
