// PreparedName: the name of a prepared transaction, stream:RUN:STAGE:INSTANCE:ATTEMPT:EPOCH. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stream {

struct PreparedName {
  std::string run;
  std::string stage;
  std::uint32_t instance = 0;
  std::uint32_t attempt = 0;
  std::uint64_t epoch = 0;

  friend bool operator==(const PreparedName&, const PreparedName&) = default;
};

std::string to_string(const PreparedName& name);
// Nothing for a name that is not ours.
std::optional<PreparedName> parse_prepared_name(std::string_view text);

}  // namespace stream
