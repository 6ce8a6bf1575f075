// Instants as tests write them and stages print them: RFC 3339, and less strict.
#pragma once

#include <optional>
#include <string>

#include "transport/base/clock.h"

namespace stream {

// "2026-01-31T12:00:00.5+02:00", "2026-01-31 12:00"; without an offset UTC, of the fraction microseconds.
std::optional<Microseconds> instant_of(const std::string& text);

}  // namespace stream
