// The window texts of manifests and flags: "tumble 1m", "hop 5m every 1m", "session 30m",
// "cumulate 1d every 1h", "count 100".
#pragma once

#include <cstdint>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct WindowSpec {
  enum class Kind : std::uint8_t { kTumble, kHop, kSession, kCumulate, kCount };
  Kind kind = Kind::kTumble;
  Microseconds size = 0;    // of the whole window; the gap of a session; 0 for count
  Microseconds step = 0;    // hop, cumulate: distance of starts (ends), at most size; cumulate: size is a multiple
  std::uint64_t count = 0;  // count: rows a window
};

std::string_view to_string(WindowSpec::Kind kind);  // "tumble", …

// Errors: kUsage, with the form that is expected.
Result<WindowSpec> parse_window(std::string_view text);

}  // namespace stream
