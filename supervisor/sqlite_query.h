// One prepared statement of SQLite: parameters are put in order, rows read one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stream {

// "FILE 'path': why", kCorrupt where the file is damaged, else kSystem.
Status sqlite_error(sqlite3* db, int code, std::string_view file);

class SqliteQuery {
 public:
  // `file`: what the file is, for errors: "job store".
  SqliteQuery(sqlite3* db, const char* sql, std::string_view file);
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  SqliteQuery& put(std::int64_t value);
  SqliteQuery& put(const std::string& text);
  SqliteQuery& put(const std::vector<float>& values);
  bool row();  // true while rows come
  Status status() const;
  Status run();
  std::int64_t integer(int column);
  double real(int column);
  std::string text(int column);
  std::vector<float> values(int column);

 private:
  sqlite3* db_;
  std::string_view file_;
  sqlite3_stmt* statement_ = nullptr;
  int code_ = 0;
  int bound_ = 0;
};

}  // namespace stream
