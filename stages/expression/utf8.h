// Characters of UTF-8 text. Bytes that are no UTF-8 count as one character each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stream::expression {

// Bytes of the character at `at`, at least 1.
std::size_t utf8_length(std::string_view text, std::size_t at);
// All characters are of one byte.
bool is_ascii(std::string_view text);
std::size_t utf8_count(std::string_view text);
// Byte offset behind the first `count` characters, at most text.size().
std::size_t utf8_skip(std::string_view text, std::size_t count);
std::uint32_t utf8_decode(std::string_view text, std::size_t at);
void utf8_encode(std::uint32_t point, std::string& out);

// Simple case mapping of every letter, independent of the process's locale.
std::string lower_utf8(std::string_view text);
std::string upper_utf8(std::string_view text);
std::string title_utf8(std::string_view text);

}  // namespace stream::expression
