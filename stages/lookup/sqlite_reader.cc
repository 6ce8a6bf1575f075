#include "stages/lookup/sqlite_reader.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <memory>
#include <optional>

#include "snapshot/sql_value.h"
#include "snapshot/sqlite.h"
#include "stages/format/text_rules.h"
#include "stages/format/value.h"
#include "stages/kit/sqlite_types.h"
#include "stages/lookup/relation.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr int kBusyTimeoutMs = 5000;

Status status_of(int code, const char* message, const std::string& path) {
  const std::string what = "unable to read '" + path + "': " + message;
  switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_NOTADB: return usage_error(what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_SCHEMA:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM: return {Code::kSystem, what};
    default: return failed(what);
  }
}

// A database of the user's, opened to be read.
class ReadDatabase {
 public:
  static Result<std::unique_ptr<ReadDatabase>> open(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return system_error("open", path, errno);  // SQLite does not say why
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    std::unique_ptr<ReadDatabase> database(new ReadDatabase(db, path));
    if (code != SQLITE_OK) return status_of(code, db != nullptr ? sqlite3_errmsg(db) : "no memory", path);
    sqlite3_busy_timeout(db, kBusyTimeoutMs);
    return database;
  }
  ~ReadDatabase() { sqlite3_close_v2(db_); }
  ReadDatabase(const ReadDatabase&) = delete;
  ReadDatabase& operator=(const ReadDatabase&) = delete;

  Result<Statement> prepare(const std::string& sql) {
    STREAM_ASSIGN(sqlite3_stmt* const raw, prepare_raw(sql));
    return Statement(raw, &path_, status_of);
  }

  Result<Schema> schema_of(const std::string& sql) {
    STREAM_ASSIGN(sqlite3_stmt* const raw, prepare_raw(sql));
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
    Schema schema;
    for (int i = 0; i < sqlite3_column_count(raw); ++i) {
      const char* declared = sqlite3_column_decltype(raw, i);
      schema.fields.push_back({sqlite3_column_name(raw, i), type_of_sqlite(declared == nullptr ? "" : declared)});
    }
    return schema;
  }

  Result<std::vector<std::string>> tables() {
    STREAM_ASSIGN(Statement statement, prepare("select name from sqlite_master where type in ('table', 'view')"));
    std::vector<std::string> names;
    for (;;) {
      STREAM_ASSIGN(const bool row, statement.step());
      if (!row) return names;
      names.emplace_back(statement.text(0));
    }
  }

 private:
  ReadDatabase(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

  Result<sqlite3_stmt*> prepare_raw(const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
    if (code != SQLITE_OK) return status_of(code, sqlite3_errmsg(db_), path_);
    return raw;
  }

  sqlite3* db_;
  std::string path_;
};

// Values as SQLite has them, whatever type they were stored with, as values of ours.
class RowReader {
 public:
  RowReader(const Reference& reference, const Schema& schema, format::TextRules rules)
      : reference_(reference), schema_(schema), rules_(std::move(rules)), values_(rules_.times()) {}

  Status read(const Statement& statement, BatchBuilder& out) {
    for (std::size_t i = 0; i < schema_.fields.size(); ++i) {
      const int column = static_cast<int>(i);
      if (statement.is_null(column)) {
        out.column(i).append_null();
      } else if (!read_value(statement, column, out.column(i))) {
        const Field& field = schema_.fields[i];
        return failed(describe(reference_) + ": " +
                      format::bad_value(field.name, field.type, statement.text(column), rules_.times()));
      }
    }
    return {};
  }

 private:
  bool read_value(const Statement& statement, int column, ColumnBuilder& out) {
    switch (out.type().kind) {
      case TypeKind::kBlob: out.append_bytes(statement.blob(column)); return true;
      case TypeKind::kVarchar: out.append_bytes(statement.text(column)); return true;
      case TypeKind::kDouble: return read_double(statement, column, out);
      case TypeKind::kBoolean: return read_boolean(statement.text(column), out);
      default: return values_.read_text(statement.text(column), out);
    }
  }
  // SQLite's text of a number has 15 digits, the number itself may need 17.
  bool read_double(const Statement& statement, int column, ColumnBuilder& out) {
    const double number = statement.is_number(column) ? statement.real(column) : NAN;
    if (!std::isfinite(number)) return values_.read_text(statement.text(column), out);
    out.append(number);
    return true;
  }
  bool read_boolean(std::string_view text, ColumnBuilder& out) {
    if (text != "0" && text != "1") return values_.read_text(text, out);
    out.append<std::uint8_t>(text == "1" ? 1 : 0);
    return true;
  }

  const Reference& reference_;
  const Schema& schema_;
  format::TextRules rules_;
  format::ValueReader values_;
};

class SqliteReader final : public ReferenceReader {
 public:
  SqliteReader(const Reference& reference, SchemaPtr schema, std::vector<std::size_t> key)
      : reference_(reference), schema_(std::move(schema)), key_(std::move(key)) {}

  Result<std::string> version() override;
  Result<std::vector<Batch>> read_all(std::uint64_t bytes_max) override;
  Result<std::vector<Batch>> read_keys(const Batch& keys) override;

 private:
  Status open_current();
  Status read_rows(Statement& statement, RowReader& reader, BatchGatherer& rows) const;
  Status look_up(const Batch& keys, RowReader& reader, BatchGatherer& rows);
  Result<RowReader> row_reader() const {
    STREAM_ASSIGN(format::TextRules rules, format::TextRules::make(reference_.format));
    return RowReader(reference_, *schema_, std::move(rules));
  }

  const Reference reference_;
  const SchemaPtr schema_;
  const std::vector<std::size_t> key_;
  std::unique_ptr<ReadDatabase> database_;
  std::string file_;  // which file it was that is open
  std::optional<Statement> by_key_;
};

// The path may lead to another file by now.
Status SqliteReader::open_current() {
  struct stat found {};
  if (::stat(reference_.path.c_str(), &found) != 0) return system_error("open", reference_.path, errno);
  const std::string file = std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
  if (database_ && file == file_) return {};
  by_key_.reset();
  STREAM_ASSIGN(database_, ReadDatabase::open(reference_.path));
  file_ = file;
  return {};
}

Result<std::string> SqliteReader::version() {
  STREAM_TRY(open_current());
  STREAM_ASSIGN(Statement statement, database_->prepare("pragma data_version"));
  STREAM_ASSIGN(const bool row, statement.step());
  return file_ + ":" + std::to_string(row ? statement.integer(0) : 0);
}

Status SqliteReader::read_rows(Statement& statement, RowReader& reader, BatchGatherer& rows) const {
  for (;;) {
    STREAM_ASSIGN(const bool row, statement.step());
    if (!row) return {};
    STREAM_TRY(reader.read(statement, rows.builder()));
    rows.end_row();
  }
}

Result<std::vector<Batch>> SqliteReader::read_all(std::uint64_t bytes_max) {
  STREAM_TRY(open_current());
  STREAM_ASSIGN(Statement statement, database_->prepare(select_all(reference_, *schema_)));
  STREAM_ASSIGN(RowReader reader, row_reader());
  BatchGatherer rows(schema_);
  for (;;) {
    STREAM_ASSIGN(const bool row, statement.step());
    if (!row) return rows.finish();
    STREAM_TRY(reader.read(statement, rows.builder()));
    rows.end_row();
    STREAM_TRY(check_size(reference_, rows.bytes(), bytes_max));
  }
}

// All keys see the table as it is at one moment.
Result<std::vector<Batch>> SqliteReader::read_keys(const Batch& keys) {
  STREAM_TRY(open_current());
  STREAM_ASSIGN(RowReader reader, row_reader());
  STREAM_ASSIGN(Statement begin, database_->prepare("begin"));
  STREAM_ASSIGN(Statement end, database_->prepare("commit"));
  STREAM_TRY(begin.run());
  BatchGatherer rows(schema_);
  const Status status = look_up(keys, reader, rows);
  STREAM_TRY(end.run());
  STREAM_TRY(status);
  return rows.finish();
}

Status SqliteReader::look_up(const Batch& keys, RowReader& reader, BatchGatherer& rows) {
  if (!by_key_) { STREAM_ASSIGN(by_key_, database_->prepare(select_key(reference_, *schema_, key_))); }
  std::vector<std::string> texts(keys.columns.size());
  for (std::size_t row = 0; row < keys.rows; ++row) {
    for (std::size_t i = 0; i < keys.columns.size(); ++i) {
      bind_value(*by_key_, static_cast<int>(i) + 1, keys.columns[i], row, texts[i]);
    }
    const Status status = read_rows(*by_key_, reader, rows);
    by_key_->reset();
    STREAM_TRY(status);
  }
  return {};
}

}  // namespace

Result<Schema> schema_of_sqlite(const Reference& reference, std::string& option) {
  option = "path";
  STREAM_ASSIGN(const auto database, ReadDatabase::open(reference.path));
  option = reference.option;
  auto schema = database->schema_of("select * from " + relation_of(reference));
  if (schema.ok() || reference.table.empty()) return schema;
  STREAM_ASSIGN(const std::vector<std::string> tables, database->tables());
  for (const std::string& table : tables) {
    if (lower(table) == lower(reference.table)) return schema;  // it is there: something else is wrong
  }
  return usage_error("'" + reference.path + "' has no table '" + reference.table + "'" +
                     did_you_mean(reference.table, tables));
}

std::unique_ptr<ReferenceReader> make_sqlite_reader(const Reference& reference, SchemaPtr schema,
                                                    std::vector<std::size_t> key) {
  return std::make_unique<SqliteReader>(reference, std::move(schema), std::move(key));
}

}  // namespace stream
