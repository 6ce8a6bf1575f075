// Small text helpers every layer needs: units as users write them, quoting, nearest names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// "100ms", "1m30s", "2h", "1d", "50us" -> microseconds. Units: us ms s m h d w. A bare number is
// refused, "0" excepted. Errors: kUsage, naming the text.
Result<Microseconds> parse_duration(std::string_view text);
std::string format_duration(Microseconds duration);  // the shortest exact form of the same

// "128MiB", "64KB", "1048576" -> bytes. MiB is 2^20, MB is 10^6.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);  // "1.5 MiB", for people

Result<std::int64_t> parse_integer(std::string_view text);

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
// A word for a shell, as it is where that takes it so.
std::string shell_quoted(std::string_view word);
std::string join(std::span<const std::string> parts, std::string_view separator);

// The words of `text` in lines of at most 80 columns, each with a line feed; every line but the first,
// which stands at `column` already, begins with so many blanks.
std::string wrapped(std::string_view text, std::size_t column);

// The candidate nearest to `name` by edit distance, or "" if none is near enough to be meant.
std::string nearest(std::string_view name, std::span<const std::string> candidates);
// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace stream
