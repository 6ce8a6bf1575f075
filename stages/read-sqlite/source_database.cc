#include "stages/read-sqlite/source_database.h"

#include <sqlite3.h>

#include <cerrno>
#include <charconv>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr int kBusyTimeoutMs = 5000;

Status error(int code, const std::string& message, const std::string& path) {
  const std::string what = "unable to read '" + path + "': " + message;
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_AUTH: return usage_error(what);
    case SQLITE_CORRUPT: return usage_error(what + "; repair it with sqlite3's .recover");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOMEM: return {Code::kSystem, what};
    default: return failed(what);
  }
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// SQLite's own text of a number has 15 digits: it is that of others too.
std::string exact_text(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

Result<double> parse_exact(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) return value;
  return corrupt("'" + text + "' is no number");
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

}  // namespace

std::string position_text(const SqliteValue& value) {
  switch (value.kind) {
    case SqliteValue::Kind::kInteger: return "i" + std::to_string(value.integer);
    case SqliteValue::Kind::kReal: return "r" + exact_text(value.real);
    case SqliteValue::Kind::kText: return "t" + std::string(value.bytes);
    case SqliteValue::Kind::kBytes: return "b" + to_hex(value.bytes);
    case SqliteValue::Kind::kNull: break;
  }
  return "";
}

void SourceRows::End::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

int SourceRows::columns() const { return sqlite3_column_count(statement_.get()); }
std::string SourceRows::name(int column) const { return sqlite3_column_name(statement_.get(), column); }

std::string SourceRows::declared(int column) const {
  const char* text = sqlite3_column_decltype(statement_.get(), column);
  return text == nullptr ? "" : text;
}

Status SourceRows::bind_position(int parameter, const std::string& position) {
  sqlite3_stmt* statement = statement_.get();
  const std::string rest = position.substr(1);
  switch (position[0]) {
    case 'i': {
      STREAM_ASSIGN(const std::int64_t value, parse_integer(rest));
      sqlite3_bind_int64(statement, parameter, value);
      return {};
    }
    case 'r': {
      STREAM_ASSIGN(const double value, parse_exact(rest));
      sqlite3_bind_double(statement, parameter, value);
      return {};
    }
    case 't':
      sqlite3_bind_text(statement, parameter, rest.data(), static_cast<int>(rest.size()), SQLITE_TRANSIENT);
      return {};
    case 'b': {
      const std::string bytes = from_hex(rest);
      sqlite3_bind_blob(statement, parameter, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
      return {};
    }
    default: return corrupt("'" + position + "' is no position in '" + path_ + "'");
  }
}

Result<bool> SourceRows::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error(code, sqlite3_errmsg(sqlite3_db_handle(statement_.get())), path_);
}

SqliteValue SourceRows::value(int column) const {
  sqlite3_stmt* statement = statement_.get();
  SqliteValue out;
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_NULL) return out;
  if (type == SQLITE_BLOB) {
    out.kind = SqliteValue::Kind::kBytes;
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
    out.bytes = {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
    return out;
  }
  out.kind = type == SQLITE_INTEGER ? SqliteValue::Kind::kInteger
             : type == SQLITE_FLOAT ? SqliteValue::Kind::kReal
                                    : SqliteValue::Kind::kText;
  if (type == SQLITE_INTEGER) out.integer = sqlite3_column_int64(statement, column);
  if (type == SQLITE_FLOAT) out.real = sqlite3_column_double(statement, column);
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  out.bytes = {text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
  return out;
}

Result<std::unique_ptr<SourceDatabase>> SourceDatabase::open(const std::string& path) {
  sqlite3* db = nullptr;
  // Not read only: a database in write-ahead mode whose last writer has died could not be opened. Nothing is written.
  const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  std::unique_ptr<SourceDatabase> database(new SourceDatabase(db, path));
  if (code != SQLITE_OK) {
    const int why = db != nullptr ? sqlite3_system_errno(db) : ENOMEM;
    return why != 0 ? system_error("open", path, why) : error(code, sqlite3_errmsg(db), path);
  }
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  sqlite3_exec(db, "PRAGMA query_only = ON", nullptr, nullptr, nullptr);
  return database;
}

SourceDatabase::~SourceDatabase() { sqlite3_close_v2(db_); }

Result<SourceRows> SourceDatabase::query(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.c_str(), static_cast<int>(sql.size()), &statement, &rest);
  if (code != SQLITE_OK) return error(code, sqlite3_errmsg(db_), path_);
  SourceRows rows(statement, path_);
  if (statement == nullptr || sqlite3_stmt_readonly(statement) == 0 || !trim(rest).empty()) {
    return usage_error("unable to read '" + path_ + "': one SELECT is expected");
  }
  return rows;
}

}  // namespace stream
