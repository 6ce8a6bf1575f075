// What may stand behind `memory`, of a stage or of a whole job.
#pragma once

#include <cstdint>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

// An instance has about half of it before it holds anything: programs, libraries, sockets, batches under way.
inline constexpr std::uint64_t kMemoryLeast = 32 << 20;

// Errors: kUsage, for what is no size, has no unit, or is less than an instance needs.
Result<std::uint64_t> parse_memory(std::string_view text);

}  // namespace stream
