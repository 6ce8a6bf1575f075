#include "stages/write-sqlite/target_database.h"

#include <sqlite3.h>

#include <cerrno>

#include "stages/kit/retry.h"

namespace stream {
namespace {

constexpr int kBusyTimeoutMs = 500;  // SQLite's own waiting, which nothing ends; see execute_patiently()
constexpr Microseconds kPatience = 30'000'000;

// SQLite says only that it cannot open; the system says why.
Status open_error(sqlite3* db, const std::string& path) {
  const int why = db != nullptr ? sqlite3_system_errno(db) : ENOMEM;
  if (why == 0) return {Code::kSystem, "unable to open '" + path + "': " + sqlite3_errmsg(db)};
  return {Code::kSystem, system_error("open", path, why).what()};
}

// Unlike a snapshot, the database is the user's: what is wrong with it is no fault of a checkpoint.
Status target_status(int code, const char* message, const std::string& path) {
  const std::string what = "unable to write '" + path + "': " + message;
  switch (code & 0xff) {
    case SQLITE_NOTADB: return usage_error(what + "; give another path, or move the file away");
    case SQLITE_CORRUPT: return usage_error(what + "; repair it with sqlite3's .recover, or give another path");
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: return {Code::kBadRecord, what};  // the row decides, not the day
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM: return {Code::kSystem, what};
    default: return failed(what);
  }
}

}  // namespace

Result<std::unique_ptr<TargetDatabase>> TargetDatabase::open(const std::string& path,
                                                             std::shared_ptr<Trouble> trouble) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<TargetDatabase> target(new TargetDatabase(db, path, std::move(trouble)));
  if (code != SQLITE_OK) return open_error(db, path);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  STREAM_TRY(target->execute_patiently("PRAGMA journal_mode = WAL"));
  STREAM_TRY(target->execute("PRAGMA synchronous = FULL"));
  return target;
}

TargetDatabase::~TargetDatabase() { sqlite3_close_v2(db_); }

Status TargetDatabase::error(int code) const { return target_status(code, sqlite3_errmsg(db_), path_); }

Status TargetDatabase::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : error(code);
}

Status TargetDatabase::execute_patiently(const char* sql) {
  int code = SQLITE_OK;
  const auto attempt = [&]() -> Status {
    code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    return (code & 0xff) == SQLITE_BUSY ? error(code) : Status();
  };
  const auto no_pause = [] { return Microseconds{0}; };  // SQLite has waited
  (void)retry(*trouble_, system_clock(), Patience(kPatience), attempt, no_pause);
  return code == SQLITE_OK ? Status() : error(code);
}

Result<Statement> TargetDatabase::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(statement, &path_, target_status);
}

Status TargetDatabase::transact(const std::function<Status()>& work) {
  STREAM_TRY(execute_patiently("BEGIN IMMEDIATE"));
  Status done = work();
  if (done.ok()) done = execute_patiently("COMMIT");
  // Some errors, a full disk among them, have rolled back already.
  if (!done.ok() && sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

std::int64_t TargetDatabase::changes() const { return sqlite3_changes64(db_); }
std::int64_t TargetDatabase::last_row_id() const { return sqlite3_last_insert_rowid(db_); }

}  // namespace stream
