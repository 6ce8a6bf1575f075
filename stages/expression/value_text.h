// Text of single values, in PostgreSQL's forms. A reader returns null or the reason it refuses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stages/expression/kernel.h"

namespace stream::expression {

const char* parse_boolean(std::string_view text, std::uint8_t& out);
const char* parse_bigint(std::string_view text, std::int64_t& out);
const char* parse_double(std::string_view text, double& out);
const char* parse_blob(std::string_view text, Text& out);  // \x6162, or bytes with \\ and \ooo

std::string format_double(double value);          // shortest text that reads back the same
std::string format_blob(std::string_view bytes);  // \x6162

}  // namespace stream::expression
