#include "supervisor/flink/script.h"

#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {

std::string table_sql(const Table& table) {
  std::string out = "CREATE TEMPORARY TABLE " + table.name + " (\n  " + join(table.columns, ",\n  ") + "\n)";
  if (!table.partitions.empty()) out += " PARTITIONED BY (" + join(table.partitions, ", ") + ")";
  std::vector<std::string> options;
  for (const auto& [key, value] : table.options) options.push_back(quoted_text(key) + " = " + quoted_text(value));
  return out + " WITH (\n  " + join(options, ",\n  ") + "\n)";
}

std::string render(const std::vector<Statement>& script) {
  std::string out;
  for (const Statement& statement : script) {
    if (!statement.comment.empty()) {
      if (!out.empty()) out += "\n";
      for (const std::string& line : split(statement.comment, '\n')) out += line.empty() ? "--\n" : "-- " + line + "\n";
    }
    out += statement.sql + ";\n";
  }
  return out;
}

}  // namespace stream::flink
