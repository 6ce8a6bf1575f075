// Database, Statement: the little of SQLite that snapshots need, with Status for errors.
//
// kCorrupt: the file is damaged or not what it should be (while reading, also a missing table);
// kSystem: the disk or the system refused; else kFailed. Messages name the file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/status.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace stream {

// What an error of SQLite means for the owner of the database at `path`.
using SqliteStatus = Status (*)(int code, const char* message, const std::string& path);

class Statement {
 public:
  Statement() = default;
  Statement(sqlite3_stmt* statement, const std::string* path, SqliteStatus status)
      : statement_(statement), path_(path), status_(status) {}
  Statement(Statement&& other) noexcept { swap(other); }
  Statement& operator=(Statement&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Statement();

  // Parameters count from 1. Bytes must stay until the next reset().
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind_text(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  Result<bool> step();  // true: a row is there
  Status run();         // steps to the end and resets
  void reset();

  // Columns count from 0; views until the next step().
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;
  bool is_number(int column) const;
  sqlite3_value* value(int column) const;  // as many of its accessors as one likes cost what one of these costs

 private:
  void swap(Statement& other) noexcept;

  sqlite3_stmt* statement_ = nullptr;
  const std::string* path_ = nullptr;
  SqliteStatus status_ = nullptr;
};

class Database {
 public:
  // A new file for building: no journal, nothing synced. Replaces what is there.
  static Result<std::unique_ptr<Database>> create(const std::string& path, bool large);
  // A published file that never changes again.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  // A copy of a database to change: private, gone with this object, in memory unless it is large. Messages name the
  // original.
  static Result<std::unique_ptr<Database>> copy(const Database& from);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Status execute(const std::string& sql);
  Result<Statement> prepare(const std::string& sql);
  Result<std::int64_t> query_integer(const std::string& sql);
  // Reads TABLE.bytes of the row into `out`, which has exactly its size.
  Status read_blob(const char* table, std::int64_t row_id, std::span<std::uint8_t> out);
  // Between these others may write to the file that is being built.
  Status let_go();
  Status take_up();
  // Ends building: rollback journal for whoever opens it next, mode 0444.
  Status finish();

  const std::string& path() const { return path_; }

 private:
  Database(sqlite3* db, std::string path, bool reading) : db_(db), path_(std::move(path)), reading_(reading) {}
  Status error(int code) const;

  sqlite3* db_;
  std::string path_;
  bool reading_;
};

// "name" with quotes doubled: an identifier in SQL.
std::string sql_name(std::string_view name);

}  // namespace stream
