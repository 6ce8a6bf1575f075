// StateQuery: SQL over the state tables of a checkpoint or savepoint, by SQLite. Reads only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/workbench/live_module.h"
#include "snapshot/workbench/state_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stream {

enum class SqlKind : std::uint8_t { kNull, kInteger, kReal, kText, kBytes };

class StateQuery {
 public:
  // The columns of the result; `declared` is the type of the state column it is ("BOOLEAN"), "" of others.
  struct Column {
    std::string name;
    std::string declared;
  };

  // One statement that reads. Tables are those of stream-snapshot(5)'s savepoints, across instances; a query that goes
  // over several, or over one twice, works on copies in a temporary file. Errors: kUsage for what is wrong with the
  // statement, kCorrupt, kSystem.
  static Result<std::unique_ptr<StateQuery>> start(StateView& view, const std::string& sql);
  // The same of a job that runs, by point lookups; `state` outlives the query. Errors: kUsage also where the query
  // needs more than those.
  static Result<std::unique_ptr<StateQuery>> start_live(const LiveState& state, const std::string& sql);
  ~StateQuery();
  StateQuery(const StateQuery&) = delete;
  StateQuery& operator=(const StateQuery&) = delete;

  const std::vector<Column>& columns() const { return columns_; }
  // Moves to the next row; false at the end. Errors: kUsage, kCorrupt, kSystem.
  Result<bool> next();

  // Of the row; columns count from 0, views hold until next().
  SqlKind kind(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;
  double real(std::size_t column) const;
  std::string_view bytes(std::size_t column) const;  // of a text or blob

 private:
  StateQuery(std::span<const ViewedTable> tables, std::string job) : tables_(tables), job_(std::move(job)) {}
  Status open();
  std::string advice(std::string_view message) const;
  Status prepare(const std::string& sql);
  Result<bool> reads_several(const std::string& sql);
  Status copy_tables();
  Status execute(const std::string& sql);
  Status wrong(int code) const;
  static int allow(void* self, int action, const char* first, const char* second, const char* schema, const char* by);

  std::span<const ViewedTable> tables_;
  std::string job_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  bool guarding_ = false;                          // the statement is the user's
  std::map<std::string, bool, std::less<>> read_;  // tables that it reads; true if their key groups too
  std::vector<Column> columns_;
};

}  // namespace stream
