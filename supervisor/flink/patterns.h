// Patterns in other words: those of to_char() and of regular expressions, as Java reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stream::flink {

// "yyyy-MM-dd HH:mm"; nothing if a part has no counterpart.
std::optional<std::string> java_time_pattern(std::string_view pattern);

// A regular expression that matches the same, whichever way alternatives are tried; nothing if there is none.
std::optional<std::string> java_regex(std::string_view pattern);

}  // namespace stream::flink
