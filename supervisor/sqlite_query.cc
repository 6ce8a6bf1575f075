#include "supervisor/sqlite_query.h"

#include <sqlite3.h>

#include <cstring>

namespace stream {

Status sqlite_error(sqlite3* db, int code, std::string_view file) {
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const char* path = sqlite3_db_filename(db, "main");
  return {damaged ? Code::kCorrupt : Code::kSystem,
          std::string(file) + " '" + (path == nullptr ? "" : path) + "': " + sqlite3_errmsg(db)};
}

SqliteQuery::SqliteQuery(sqlite3* db, const char* sql, std::string_view file) : db_(db), file_(file) {
  code_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
}

SqliteQuery::~SqliteQuery() { sqlite3_finalize(statement_); }

SqliteQuery& SqliteQuery::put(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

SqliteQuery& SqliteQuery::put(const std::string& text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

SqliteQuery& SqliteQuery::put(const std::vector<float>& values) {
  sqlite3_bind_blob(statement_, ++bound_, values.data(), static_cast<int>(values.size() * sizeof(float)),
                    SQLITE_TRANSIENT);
  return *this;
}

bool SqliteQuery::row() {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
  return code_ == SQLITE_ROW;
}

Status SqliteQuery::status() const {
  return code_ == SQLITE_DONE || code_ == SQLITE_ROW ? Status() : sqlite_error(db_, code_, file_);
}

Status SqliteQuery::run() {
  while (row()) {}
  return status();
}

std::int64_t SqliteQuery::integer(int column) { return sqlite3_column_int64(statement_, column); }

double SqliteQuery::real(int column) { return sqlite3_column_double(statement_, column); }

std::string SqliteQuery::text(int column) {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::vector<float> SqliteQuery::values(int column) {
  std::vector<float> out(static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) / sizeof(float));
  if (!out.empty()) std::memcpy(out.data(), sqlite3_column_blob(statement_, column), out.size() * sizeof(float));
  return out;
}

}  // namespace stream
