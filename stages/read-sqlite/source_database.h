// SourceDatabase: an SQLite database that others write, read only.
//
// Errors: kUsage for a file that is no database, and for SQL that it does not understand; kNotFound for a file that is
// not there; kSystem for the disk, and for a database that stays locked; else kFailed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stream {

// One value as SQLite holds it, whatever the column declares.
struct SqliteValue {
  enum class Kind : std::uint8_t { kNull, kInteger, kReal, kText, kBytes };
  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes = {};  // the text of anything but a BLOB; a BLOB's bytes
};

// A position: a value to go on behind, as text with its kind: "i42", "r1.5", "tabc", "b" and hex.
std::string position_text(const SqliteValue& value);

class SourceRows {
 public:
  SourceRows(sqlite3_stmt* statement, std::string path) : statement_(statement), path_(std::move(path)) {}

  int columns() const;
  std::string name(int column) const;
  std::string declared(int column) const;  // "" for what is no column of a table
  // The value of a position_text(). Parameters count from 1.
  Status bind_position(int parameter, const std::string& position);

  Result<bool> step();                  // true: a row is there
  SqliteValue value(int column) const;  // good until the next step()

 private:
  struct End {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, End> statement_;
  std::string path_;
};

class SourceDatabase {
 public:
  static Result<std::unique_ptr<SourceDatabase>> open(const std::string& path);
  ~SourceDatabase();
  SourceDatabase(const SourceDatabase&) = delete;
  SourceDatabase& operator=(const SourceDatabase&) = delete;

  // Errors: kUsage as well for what would write.
  Result<SourceRows> query(const std::string& sql);

 private:
  SourceDatabase(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

  sqlite3* db_;
  std::string path_;
};

}  // namespace stream
