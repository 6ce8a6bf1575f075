// StateDraft: the state of a savepoint in a database of its own, filled or changed, then sealed as a new savepoint.
//
// Every table stands there as a whole, under the names of StateView, with its key unique and each column held to its
// declared type, so that what would make impossible state fails where it stands. The database has no name on disk once
// it is open, so that nothing of it is left, whatever happens.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/savepoint.h"
#include "snapshot/workbench/draft_table.h"
#include "snapshot/workbench/row_sets.h"
#include "snapshot/workbench/state_view.h"

struct sqlite3;

namespace stream {

// What goes into one of several savepoints made of a draft: for each of its tables a condition in SQL that its rows
// fulfil, "" for all of them. Empty: everything.
using DraftPart = std::vector<std::string>;

class StateDraft {
 public:
  // Empty tables. `index` says what stages there are, in how many instances, and how many key groups; `file` is where
  // the database is built. Pending tables are left out. Errors: kSystem.
  static Result<std::unique_ptr<StateDraft>> make(CheckpointIndex index, std::vector<ViewedTable> tables,
                                                  const std::string& file);
  ~StateDraft();
  StateDraft(const StateDraft&) = delete;
  StateDraft& operator=(const StateDraft&) = delete;

  const CheckpointIndex& index() const { return index_; }
  const std::vector<ViewedTable>& tables() const { return tables_; }

  // All rows of a view that has no other tables. Errors: kCorrupt, kSystem.
  Status copy(StateView& view);
  // The table of this stage. Nothing: there is none.
  std::optional<std::size_t> find(const std::string& stage, const std::string& table) const;

  // Adds rows to one table, within begin() and commit().
  class Inserter {
   public:
    // Row `row` of the batch, whose columns are the table's; false, and nothing is added, if its key is there.
    // `instance`: whose it is, where that matters. Errors: kUsage for a value its column cannot hold, kSystem.
    Result<bool> add(const Batch& batch, std::size_t row, std::uint32_t instance = 0);
    // The same instead of the row that has its key.
    Status replace(const Batch& batch, std::size_t row, std::uint32_t instance = 0);
    // Whether the same row, in every column, is there.
    Result<bool> holds(const Batch& batch, std::size_t row, std::uint32_t instance = 0);

   private:
    friend class StateDraft;
    void bind(Statement& statement, const Batch& batch, std::size_t row, std::uint32_t instance);

    sqlite3* db_ = nullptr;
    bool by_instance_ = false;
    Statement insert_;
    Statement replace_;
    Statement count_equal_;
    std::vector<std::string> scratch_;
  };
  Result<Inserter> insert_into(std::size_t table);
  Status clear(std::size_t table) const;
  Status begin() const { return execute("BEGIN"); }
  Status commit() const { return execute("COMMIT"); }
  Status take_back() const { return execute("ROLLBACK"); }
  // All rows that a table has now, with the instance that each belongs to where that matters. For few rows.
  Status visit(std::size_t table, const RowSetVisitor& visit) const;

  // Runs INSERT, UPDATE and DELETE over the tables; several statements with ';' between them, all or none. Returns
  // how many rows were touched. Errors: kUsage, kSystem.
  Result<std::uint64_t> change(const std::string& sql);

  // Whether `expression` can be asked of the rows of a table, over these columns alone. Errors: kUsage, saying why not.
  Status check_condition(std::size_t table, const std::string& expression, std::size_t columns);
  std::string group_of(std::size_t table) const { return sql_of(table).group(); }  // an expression: its key group
  // How many rows of the table are in the part.
  Result<std::uint64_t> count(std::size_t table, const std::string& condition) const;

  // Writes the savepoint: `index` is the draft's own, changed where it is to differ. Errors as those of
  // write_savepoint().
  Result<CheckpointIndex> seal(Files& files, CheckpointIndex index, const std::string& target, bool single_file,
                               const DraftPart& part = {});

 private:
  enum class Guard : std::uint8_t { kNone, kChange, kCondition };  // what the user's SQL may do

  StateDraft(CheckpointIndex index, std::vector<ViewedTable> tables);
  Status open(const std::string& file);
  Status index_groups(std::size_t table);
  DraftTable sql_of(std::size_t table) const { return {table, tables_[table].name, tables_[table].spec}; }
  std::uint32_t parallelism_of(const std::string& stage) const;
  Status fill(const IndexInstance& instance, const DraftPart& part, SavepointInstanceWriter& writer);
  std::vector<std::string> conditions(std::size_t table, std::uint32_t instance, const DraftPart& part) const;
  Status fill_table(std::size_t table, const std::string& where, std::uint32_t instance,
                    SavepointInstanceWriter& writer);
  Result<Statement> prepare(const std::string& sql) const;
  Status execute(const std::string& sql) const;
  static int allow(void* self, int action, const char* first, const char* second, const char* schema, const char* by);
  bool allow_change(int action, const char* table) const;
  bool allow_condition(int action, const char* first, const char* second);

  CheckpointIndex index_;
  std::vector<ViewedTable> tables_;
  DraftTables for_functions_;
  std::string path_;
  sqlite3* db_ = nullptr;
  bool grouped_ = false;  // by key group, for sealing
  Guard guard_ = Guard::kNone;
  std::vector<std::string> may_read_;  // columns, under Guard::kCondition
  std::string refused_;                // what it wanted instead
};

}  // namespace stream
