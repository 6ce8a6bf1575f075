// print_value: a value as text, shared by all encoders.
#pragma once

#include <string_view>

#include "transport/record/column.h"

namespace stream::format {

// The most bytes print_value() writes for a value of this type; variable-width types write
// base64_size() for BLOB, else the bytes themselves.
std::size_t printed_size(const Column& column, std::size_t row);

// Writes a value that is not NULL, unquoted and unescaped; returns the byte behind.
char* print_value(char* to, const Column& column, std::size_t row);

}  // namespace stream::format
