// TargetTable: the table rows go to: made or checked, then written by prepared statements.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stages/write-sqlite/target_database.h"
#include "transport/record/batch.h"

namespace stream {

// Row ids of rows that an epoch has inserted, as [first, last].
struct RowRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

class TargetTable {
 public:
  // `key`: columns that identify a row; empty = every row is inserted.
  TargetTable(TargetDatabase& database, std::string name, SchemaPtr schema, std::vector<std::size_t> key);

  Result<bool> exists();
  Status create();
  Status drop();
  // Errors: kUsage if the table lacks a column, cannot be written, or cannot say which rows an epoch has inserted.
  Status check();
  // Those of the schema that the table lacks, but for the key: rows that are there have NULL in them.
  Status add_columns();

  // After create() or check(), within a transaction: writes the rows and appends to `inserted` the
  // ids of those that were not there before. Errors: kBadRecord, with the row, if the table refuses one.
  Status apply(const Batch& batch, std::vector<RowRange>& inserted);
  // Lowest id of the rows changed or deleted by apply() since the last call; INT64_MAX: none.
  std::int64_t take_oldest_changed() { return std::exchange(oldest_changed_, INT64_MAX); }
  Status erase(RowRange rows);

 private:
  Result<std::vector<std::string>> columns();
  Status check_statements();
  Status prepare_statements();
  Status write(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted);
  Status insert(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted);
  Status upsert(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted);
  Status erase_key(const Batch& batch, std::size_t row);
  Result<bool> change(Statement& statement);
  bool superseded(const Batch& batch, std::size_t row) const;
  void bind(Statement& statement, const Batch& batch, std::size_t row, std::size_t column);
  std::string key_condition() const;

  TargetDatabase& database_;
  std::string name_;
  SchemaPtr schema_;
  std::vector<std::size_t> key_;
  std::string row_id_ = "rowid";    // the name no column of the table has
  std::vector<std::string> texts_;  // of bound values, until the statement has run
  bool prepared_ = false;
  std::int64_t oldest_changed_ = INT64_MAX;
  Statement insert_;
  Statement update_;
  Statement delete_;
  Statement erase_;
};

}  // namespace stream
