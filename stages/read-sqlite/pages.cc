#include "stages/read-sqlite/pages.h"

namespace stream {

std::string SqlitePages::columns_query() const {
  return "SELECT *" + (column.empty() ? "" : ", " + column) + " FROM " + rows;
}

std::string SqlitePages::page_query(bool first) const {
  const std::string limit = " LIMIT " + std::to_string(kSqlitePageRows);
  if (column.empty()) return columns_query() + limit + (first ? "" : " OFFSET ?1");
  return columns_query() + " WHERE " + column + (first ? " IS NOT NULL" : " > ?1") + " ORDER BY " + column + limit;
}

}  // namespace stream
