// Text as JSON strings.
#pragma once

#include <string>
#include <string_view>

namespace stream::format {

// The most bytes escape_json() writes for `size` bytes of text.
inline constexpr std::size_t escaped_size(std::size_t size) { return size * 6; }
// Writes the text with JSON's escapes, without quotes; bytes that are not UTF-8 are copied.
char* escape_json(char* to, std::string_view text);

// Appends the text with quotes; bytes that are not UTF-8 are copied.
void append_quoted(std::string_view text, std::string& to);

// Appends `{"key":"text"` or, to an object begun before, `,"key":"text"`. Text that is not UTF-8
// loses its bad bytes to U+FFFD.
void append_member(std::string_view key, std::string_view text, std::string& object);

}  // namespace stream::format
