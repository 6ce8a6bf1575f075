// A script in Flink's SQL, statement by statement.
#pragma once

#include <string>
#include <vector>

namespace stream::flink {

struct Statement {
  std::string comment = {};  // lines before it, without "-- "
  std::string sql = {};      // without the semicolon at its end
};

// A table with a connector behind it. Its event time may be told by a stage further on.
struct Table {
  std::string name;  // as it is written
  std::string comment = {};
  std::vector<std::string> columns;          // "host STRING"
  std::vector<std::string> partitions = {};  // as they are written
  std::vector<std::pair<std::string, std::string>> options = {};
};

std::string table_sql(const Table& table);

// For people and for Flink's SQL client.
std::string render(const std::vector<Statement>& script);

}  // namespace stream::flink
