#include "supervisor/http/operation_store.h"

#include <sqlite3.h>
#include <unistd.h>

#include <fstream>

#include "supervisor/sqlite_query.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::string_view kFile = "store of operations";
constexpr const char* kDdl = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, what TEXT NOT NULL, name TEXT NOT NULL, who TEXT NOT NULL, remote TEXT NOT NULL,
  begun_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, failed INTEGER NOT NULL CHECK (failed IN (0, 1)),
  outcome TEXT NOT NULL, server TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS operations_begun ON operations (begun_us);
)";
constexpr const char* kColumns =
    "SELECT id, what, name, who, remote, begun_us, ended_us, failed, outcome, server FROM operations ";

class Query : public SqliteQuery {
 public:
  Query(sqlite3* db, const std::string& sql) : SqliteQuery(db, sql.c_str(), kFile) {}
};

OperationRecord record_of(SqliteQuery& query) {
  return {.id = query.text(0),
          .what = query.text(1),
          .name = query.text(2),
          .who = query.text(3),
          .remote = query.text(4),
          .begun_us = query.integer(5),
          .ended_us = query.integer(6),
          .failed = query.integer(7) != 0,
          .outcome = query.text(8),
          .server = query.text(9)};
}

// Of proc(5): when a process began, in ticks since the machine did; "" = it is not there.
std::string began_of(const std::string& process) {
  constexpr std::size_t kPlace = 19;  // behind the name, which ends with the last ')'
  std::ifstream file("/proc/" + process + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return "";
  const std::vector<std::string> words = split(line.substr(std::min(end + 2, line.size())), ' ');
  return words.size() > kPlace ? words[kPlace] : "";
}

}  // namespace

std::string this_server() {
  const std::string process = std::to_string(::getpid());
  return process + "-" + began_of(process);
}

bool is_alive(const std::string& server) {
  const std::size_t dash = server.find('-');
  if (dash == std::string::npos || dash + 1 == server.size()) return false;
  return began_of(server.substr(0, dash)) == server.substr(dash + 1);
}

Result<std::unique_ptr<OperationStore>> OperationStore::open(const std::string& path) {
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<OperationStore> store(new OperationStore(db));
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(db, 2000);
    code = sqlite3_exec(db, kDdl, nullptr, nullptr, nullptr);
  }
  if (code != SQLITE_OK) return sqlite_error(db, code, kFile);
  return store;
}

OperationStore::~OperationStore() { sqlite3_close(db_); }

Status OperationStore::save(const OperationRecord& record, Microseconds now_us) {
  const std::lock_guard lock(mutex_);
  STREAM_TRY(Query(db_, "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                 .put(record.id)
                 .put(record.what)
                 .put(record.name)
                 .put(record.who)
                 .put(record.remote)
                 .put(record.begun_us)
                 .put(record.ended_us)
                 .put(record.failed ? 1 : 0)
                 .put(record.outcome)
                 .put(record.server)
                 .run());
  STREAM_TRY(Query(db_, "DELETE FROM operations WHERE begun_us < ?").put(now_us - kOperationKept).run());
  return Query(
             db_,
             "DELETE FROM operations WHERE begun_us < (SELECT begun_us FROM operations ORDER BY begun_us DESC LIMIT 1 "
             "OFFSET ?)")
      .put(kOperationsStored - 1)
      .run();
}

Result<std::optional<OperationRecord>> OperationStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Query query(db_, std::string(kColumns) + "WHERE id = ?");
  query.put(id);
  std::optional<OperationRecord> found;
  if (query.row()) found = record_of(query);
  STREAM_TRY(query.status());
  return found;
}

Result<std::vector<OperationRecord>> OperationStore::newest(std::int64_t most) {
  const std::lock_guard lock(mutex_);
  Query query(db_, std::string(kColumns) + "ORDER BY begun_us DESC, id LIMIT ?");
  query.put(most);
  std::vector<OperationRecord> found;
  while (query.row()) found.push_back(record_of(query));
  STREAM_TRY(query.status());
  return found;
}

}  // namespace stream::http
