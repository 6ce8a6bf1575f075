// The columns of a state table, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"

namespace stream {

// "value  n BIGINT  = count(*)", a line a column.
std::vector<std::string> column_lines(const TableSpec& spec);

// [{"name", "type", "key", "means"}…]
nlohmann::ordered_json columns_json(const TableSpec& spec);

}  // namespace stream
