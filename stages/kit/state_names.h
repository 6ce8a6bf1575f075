// Names of state tables and of their columns, made from names that users chose.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace stream {

// Lower-case letters, digits and single underscores: "max(ms)" -> "max_ms". May be empty.
std::string state_identifier(std::string_view text);

// A name for a state table, made from any stage's name.
std::string state_table_name(std::string_view stage);

// Column names of one table that differ by more than case: SQLite tells no more apart.
class StateColumnNames {
 public:
  // The name itself if it is free, else with underscores behind it.
  std::string add(std::string name);

 private:
  std::set<std::string> taken_ = {"_key_group"};
};

}  // namespace stream
