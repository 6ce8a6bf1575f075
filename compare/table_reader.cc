#include <sqlite3.h>

#include <memory>

#include "compare/result_reader.h"
#include "snapshot/sqlite.h"

namespace stream {
namespace {

constexpr int kBusyMilliseconds = 10'000;  // a sink that commits is done long before

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Prepared = std::unique_ptr<sqlite3_stmt, FinishStatement>;

Status wrong(sqlite3* db, const std::string& path) {
  const int code = sqlite3_errcode(db) & 0xff;
  const std::string what = "unable to read '" + path + "': " + sqlite3_errmsg(db);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return corrupt(what);
  return code == SQLITE_ERROR ? usage_error(what) : Status(Code::kSystem, what);
}

// For a database that somebody may write to at the same time.
Result<Handle> open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle db(raw);
  if (code != SQLITE_OK) return wrong(raw, path);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return db;
}

Result<Prepared> prepare(sqlite3* db, const std::string& sql, const std::string& path) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) return wrong(db, path);
  return Prepared(raw);
}

std::string bytes_of(sqlite3_stmt* statement, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

ResultValue value_at(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return integer_value(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return real_value(sqlite3_column_double(statement, column));
    case SQLITE_TEXT: return text_value(bytes_of(statement, column));
    case SQLITE_BLOB: return {.kind = ResultKind::kBlob, .text = bytes_of(statement, column)};
    default: return {};
  }
}

class TableReader final : public ResultReader {
 public:
  TableReader(std::string path, Handle db, Prepared rows)
      : path_(std::move(path)), db_(std::move(db)), rows_(std::move(rows)) {
    for (int i = 0; i < sqlite3_column_count(rows_.get()); ++i)
      columns_.emplace_back(sqlite3_column_name(rows_.get(), i));
    values_.resize(columns_.size());
  }

  Result<bool> next() override {
    if (done_) return false;
    const int code = sqlite3_step(rows_.get());
    if (code == SQLITE_ROW) {
      for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = value_at(rows_.get(), static_cast<int>(i));
      return true;
    }
    done_ = true;
    if (code == SQLITE_DONE) return false;
    return wrong(db_.get(), path_);
  }

 private:
  std::string path_;
  Handle db_;
  Prepared rows_;
  bool done_ = false;
};

// The columns of a primary key or a UNIQUE constraint, in its order; empty if the table has neither. write-sqlite
// makes the latter.
Result<std::vector<std::string>> key_of(sqlite3* db, const std::string& table, const std::string& path) {
  for (const char* sql :
       {"SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk",
        "SELECT name FROM pragma_index_info((SELECT name FROM pragma_index_list(?1) WHERE origin = 'u' "
        "ORDER BY seq DESC LIMIT 1)) ORDER BY seqno"}) {
    STREAM_ASSIGN(const Prepared columns, prepare(db, sql, path));
    sqlite3_bind_text(columns.get(), 1, table.data(), static_cast<int>(table.size()), SQLITE_STATIC);
    std::vector<std::string> names;
    while (sqlite3_step(columns.get()) == SQLITE_ROW) names.push_back(bytes_of(columns.get(), 0));
    if (!names.empty()) return names;
  }
  return std::vector<std::string>();
}

}  // namespace

Result<std::unique_ptr<ResultReader>> read_table(const std::string& path, const std::string& table) {
  STREAM_ASSIGN(Handle db, open(path));
  STREAM_ASSIGN(Prepared rows, prepare(db.get(), "SELECT * FROM " + sql_name(table), path));
  return std::unique_ptr<ResultReader>(std::make_unique<TableReader>(path, std::move(db), std::move(rows)));
}

Result<std::vector<ResultTable>> tables_of(const std::string& path) {
  STREAM_ASSIGN(const Handle db, open(path));
  STREAM_ASSIGN(const Prepared names, prepare(db.get(),
                                              "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                                              "'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_stream\\_%' ESCAPE '\\' "
                                              "ORDER BY name",
                                              path));
  std::vector<ResultTable> tables;
  for (int code = 0; (code = sqlite3_step(names.get())) != SQLITE_DONE;) {
    if (code != SQLITE_ROW) return wrong(db.get(), path);
    ResultTable table{bytes_of(names.get(), 0), {}};
    STREAM_ASSIGN(table.key, key_of(db.get(), table.name, path));
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace stream
