// Names of state tables, made from names that users chose.
#pragma once

#include <string>
#include <string_view>

namespace stream {

// Lower-case letters, digits and single underscores: "max(ms)" -> "max_ms". May be empty.
std::string state_identifier(std::string_view text);

// A name for a state table, made from any stage's name.
std::string state_table_name(std::string_view stage);

}  // namespace stream
