#include "snapshot/workbench/state_query.h"

#include <sqlite3.h>

#include <algorithm>

#include "snapshot/sqlite.h"
#include "snapshot/workbench/state_module.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kReads = "a query of state reads: SELECT, WITH or VALUES";
constexpr std::string_view kNotWritable = " may not be modified";  // said before anything is asked
constexpr std::string_view kNoTable = "no such table: ";
constexpr std::string_view kKeyGroup = "_key_group";

constexpr std::string_view kNoWay = "no query solution";  // no way to do it by keys

// "host; window_start"
std::string keys_of(const ViewedTable& table) {
  std::vector<std::string> names;
  for (const Field& field : table.spec.key) names.push_back(field.name);
  return table.name + ": " + join(names, ", ");
}

}  // namespace

Result<std::unique_ptr<StateQuery>> StateQuery::start(StateView& view, const std::string& sql) {
  std::unique_ptr<StateQuery> query(new StateQuery(view.tables(), view.index().job));
  STREAM_TRY(query->open());
  STREAM_TRY(add_state_tables(query->db_, view));
  query->guarding_ = true;
  STREAM_ASSIGN(const bool several, query->reads_several(sql));
  query->guarding_ = false;
  if (several) STREAM_TRY(query->copy_tables());
  query->guarding_ = true;
  STREAM_TRY(query->prepare(sql));
  return query;
}

Result<std::unique_ptr<StateQuery>> StateQuery::start_live(const LiveState& state, const std::string& sql) {
  std::unique_ptr<StateQuery> query(new StateQuery(state.tables, ""));
  STREAM_TRY(query->open());
  STREAM_TRY(add_live_tables(query->db_, state));
  query->guarding_ = true;
  STREAM_TRY(query->prepare(sql));
  return query;
}

StateQuery::~StateQuery() {
  sqlite3_finalize(statement_);
  sqlite3_close(db_);
}

Status StateQuery::open() {
  const int code = sqlite3_open_v2(":memory:", &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return wrong(code);
  sqlite3_set_authorizer(db_, allow, this);
  return {};
}

// SQLite asks before it prepares anything.
int StateQuery::allow(void* self, int action, const char* first, const char* second, const char* schema, const char*) {
  auto& query = *static_cast<StateQuery*>(self);
  if (!query.guarding_) return SQLITE_OK;
  const bool is_state = schema != nullptr && std::string_view(schema) == "main" && second != nullptr;
  if (action == SQLITE_READ && is_state) query.read_[first] |= kKeyGroup == second;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    default: return SQLITE_DENY;
  }
}

Status StateQuery::wrong(int code) const {
  const std::string message = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
  if (message.ends_with(kNotWritable)) return usage_error(std::string(kReads));
  switch (code & 0xff) {
    case SQLITE_AUTH: return usage_error(std::string(kReads));
    case SQLITE_CORRUPT: return corrupt(message);
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_NOMEM: return {Code::kSystem, message};
    default: return usage_error(advice(message));
  }
}

// "no such table: total" -> what there is.
std::string StateQuery::advice(std::string_view message) const {
  if (message.starts_with(kNoTable)) return find_table(tables_, message.substr(kNoTable.size()), job_).status().what();
  if (message == "not authorized") return "load_extension() is not allowed in a query of state; leave it out";
  if (!message.starts_with(kNoWay)) return std::string(message);
  std::vector<std::string> keys;
  for (const ViewedTable& table : tables_) keys.push_back(keys_of(table));
  return "a job that runs is asked for single rows: give each key column of a table with '=' (" + join(keys, "; ") +
         "); without --live its newest checkpoint answers";
}

Status StateQuery::prepare(const std::string& sql) {
  const char* rest = nullptr;
  sqlite3_finalize(std::exchange(statement_, nullptr));
  const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement_, &rest);
  if (code != SQLITE_OK) return wrong(code);
  if (statement_ == nullptr) return usage_error("the query is empty");
  if (!trim(std::string_view(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest))).empty())
    return usage_error("one statement at a time: there is more behind the first ';'");
  if (sqlite3_stmt_readonly(statement_) == 0 || sqlite3_column_count(statement_) == 0)
    return usage_error(std::string(kReads));
  columns_.clear();
  for (int i = 0; i < sqlite3_column_count(statement_); ++i) {
    const char* declared = sqlite3_column_decltype(statement_, i);
    columns_.push_back({sqlite3_column_name(statement_, i), declared == nullptr ? "" : declared});
  }
  return {};
}

// Virtual tables have no indexes, so that each but the first would be read again for every row.
Result<bool> StateQuery::reads_several(const std::string& sql) {
  STREAM_TRY(prepare(sql));
  STREAM_TRY(prepare("EXPLAIN " + sql));
  int opened = 0;
  for (;;) {
    STREAM_ASSIGN(const bool row, next());
    if (!row) return opened > 1;
    if (bytes(1) == "VOpen") ++opened;
  }
}

// Tables of the temporary schema come before those of the same name.
Status StateQuery::copy_tables() {
  sqlite3_finalize(std::exchange(statement_, nullptr));
  for (const auto& [table, key_groups] : read_) {
    const std::string name = sql_name(table);
    const std::string columns = key_groups ? "*, _key_group" : "*";
    STREAM_TRY(execute("CREATE TABLE temp." + name + " AS SELECT " + columns + " FROM main." + name));
  }
  return {};
}

Status StateQuery::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : wrong(code);
}

Result<bool> StateQuery::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return wrong(code);
}

SqlKind StateQuery::kind(std::size_t column) const {
  switch (sqlite3_column_type(statement_, static_cast<int>(column))) {
    case SQLITE_INTEGER: return SqlKind::kInteger;
    case SQLITE_FLOAT: return SqlKind::kReal;
    case SQLITE_TEXT: return SqlKind::kText;
    case SQLITE_BLOB: return SqlKind::kBytes;
    default: return SqlKind::kNull;
  }
}

std::int64_t StateQuery::integer(std::size_t column) const {
  return sqlite3_column_int64(statement_, static_cast<int>(column));
}

double StateQuery::real(std::size_t column) const {
  return sqlite3_column_double(statement_, static_cast<int>(column));
}

std::string_view StateQuery::bytes(std::size_t column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, static_cast<int>(column)));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, static_cast<int>(column)));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

}  // namespace stream
