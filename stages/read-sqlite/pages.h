// How rows are read page by page, and where to go on: the SQL of it. Pure.
#pragma once

#include <string>

namespace stream {

struct SqlitePages {
  std::string rows;    // a table in quotes, or a query in parentheses
  std::string column;  // that grows: a name in quotes; "" = there is none, and rows are counted

  // Its columns, then the position's: none where rows are counted.
  std::string columns_query() const;
  // The first page, or that behind ?1: a value, or the number of rows read.
  std::string page_query(bool first) const;
};

inline constexpr int kSqlitePageRows = 4096;

}  // namespace stream
