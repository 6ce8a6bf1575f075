// Names of state tables and of their columns, made from names that users chose.
#pragma once

#include <set>
#include <string>

#include "snapshot/table_names.h"

namespace stream {

// Column names of one table that differ by more than case: SQLite tells no more apart.
class StateColumnNames {
 public:
  // The name itself if it is free, else with underscores behind it.
  std::string add(std::string name);

 private:
  std::set<std::string> taken_ = {"_key_group"};
};

}  // namespace stream
