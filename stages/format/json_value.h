// print_json_value: one value as JSON.
#pragma once

#include <string>

#include "transport/record/column.h"

namespace stream::format {

// The most bytes print_json_value() writes.
std::size_t json_value_size(const Column& column, std::size_t row);

// Writes the value, which may be NULL, and returns the byte behind. Numbers that JSON cannot write, NaN and the
// infinities, become null.
char* print_json_value(char* to, const Column& column, std::size_t row);

void append_json_value(const Column& column, std::size_t row, std::string& out);

}  // namespace stream::format
