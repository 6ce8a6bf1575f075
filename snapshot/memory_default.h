// The memory of an instance for which nobody has said how much.
#pragma once

#include <cstdint>

namespace stream {

// As much is for what is buffered; state may need more, and is not bounded. One byte more than 512MiB, so that who asks
// for 512MiB gets that bound.
inline constexpr std::uint64_t kMemoryDefault = (512ULL << 20) + 1;

}  // namespace stream
