#include "snapshot/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace stream {
namespace {

Status status_while_writing(int code, const char* message, const std::string& path) {
  const std::string what = "unable to write '" + path + "': " + message;
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return corrupt(what);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM: return {Code::kSystem, what};
    default: return failed(what);
  }
}

Status status_while_reading(int code, const char* message, const std::string& path) {
  const Status status = status_while_writing(code, message, path);
  const std::string what = "unable to read '" + path + "': " + message;
  switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE: return corrupt(what);
    default: return {status.code(), what};
  }
}

SqliteStatus status_while(bool reading) { return reading ? status_while_reading : status_while_writing; }

// The path as a file: URI, which alone can say immutable=1.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c != '%' && c != '?' && c != '#') {
      uri += c;
      continue;
    }
    char escaped[4];
    std::snprintf(escaped, sizeof escaped, "%%%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    uri += escaped;
  }
  return uri + "?immutable=1";
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::swap(Statement& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(path_, other.path_);
  std::swap(status_, other.status_);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  sqlite3_bind_double(statement_, parameter, value);
  return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, parameter, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return status_(code, sqlite3_errmsg(sqlite3_db_handle(statement_)), *path_);
}

Status Statement::run() {
  for (;;) {
    const Result<bool> row = step();
    if (row.ok() && *row) continue;
    reset();
    return row.status();
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
sqlite3_value* Statement::value(int column) const { return sqlite3_column_value(statement_, column); }

bool Statement::is_number(int column) const {
  const int type = sqlite3_column_type(statement_, column);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

Result<std::unique_ptr<Database>> Database::create(const std::string& path, bool large) {
  if (std::remove(path.c_str()) != 0 && errno != ENOENT) return system_error("replace", path, errno);
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> db(new Database(raw, path, false));
  if (code != SQLITE_OK) return db->error(code);
  STREAM_TRY(db->execute(std::string("PRAGMA page_size=") + (large ? "32768" : "4096") +
                         ";PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;"
                         "PRAGMA cache_size=-1024;BEGIN"));
  return db;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return system_error("open", path, errno);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(immutable_uri(path).c_str(), &raw,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> db(new Database(raw, path, true));
  if (code != SQLITE_OK) return db->error(code);
  // A file from elsewhere is hostile: no functions or views with side effects, pages checked.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  STREAM_TRY(db->execute("PRAGMA cell_size_check=ON;PRAGMA cache_size=-1024;PRAGMA mmap_size=0"));
  return db;
}

Result<std::unique_ptr<Database>> Database::copy(const Database& from) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2("", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> db(new Database(raw, from.path_, true));
  if (code != SQLITE_OK) return db->error(code);
  sqlite3_backup* backup = sqlite3_backup_init(raw, "main", from.db_, "main");
  if (backup == nullptr) return db->error(sqlite3_errcode(raw));
  (void)sqlite3_backup_step(backup, -1);
  if (const int copied = sqlite3_backup_finish(backup); copied != SQLITE_OK) return db->error(copied);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return db;
}

Database::~Database() { sqlite3_close(db_); }

Status Database::error(int code) const {
  return status_while(reading_)(code, db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_), path_);
}

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : error(code);
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(raw, &path_, status_while(reading_));
}

Result<std::int64_t> Database::query_integer(const std::string& sql) {
  STREAM_ASSIGN(Statement statement, prepare(sql));
  STREAM_ASSIGN(const bool row, statement.step());
  if (!row) return corrupt("unable to read '" + path_ + "': nothing for " + sql);
  return statement.integer(0);
}

Status Database::read_blob(const char* table, std::int64_t row_id, std::span<std::uint8_t> out) {
  sqlite3_blob* raw = nullptr;
  int code = sqlite3_blob_open(db_, "main", table, "bytes", row_id, 0, &raw);
  const std::unique_ptr<sqlite3_blob, int (*)(sqlite3_blob*)> blob(raw, sqlite3_blob_close);
  if (code != SQLITE_OK) return error(code);
  if (static_cast<std::size_t>(sqlite3_blob_bytes(raw)) != out.size()) {
    return corrupt("unable to read '" + path_ + "': a segment has not its size");
  }
  code = sqlite3_blob_read(raw, out.data(), static_cast<int>(out.size()), 0);
  return code == SQLITE_OK ? Status() : error(code);
}

// The lock goes with the next look at the file.
Status Database::let_go() { return execute("COMMIT;PRAGMA locking_mode=NORMAL;SELECT 1 FROM sqlite_master LIMIT 1"); }

Status Database::take_up() { return execute("BEGIN"); }

Status Database::finish() {
  STREAM_TRY(execute("COMMIT;PRAGMA journal_mode=DELETE"));
  const int code = sqlite3_close(db_);
  if (code != SQLITE_OK) return error(code);
  db_ = nullptr;
  if (::chmod(path_.c_str(), 0444) != 0) return system_error("protect", path_, errno);
  return {};
}

std::string sql_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace stream
