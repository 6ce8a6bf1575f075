// CommitLog: what a run has committed, in tables beside the data and in the same transactions.
//
//   _stream_sinks(run, stage, table_name, forgotten)      the run has begun to write this table
//   _stream_commits(run, stage, epoch, instance)          this committable is in the table
//   _stream_rows(run, stage, epoch, first_row, last_row)  ids of the rows an epoch has inserted
//   _stream_changes(run, stage, epoch, oldest_row)        lowest id of the rows it has changed or deleted
//   _stream_attempts(run, stage, attempt)                 the newest that has begun to write: none before it does any
//   more
//
// The newest 1,000 epochs are kept; `forgotten` is the newest that is not.
#pragma once

#include <string>
#include <vector>

#include "snapshot/outbox.h"
#include "stages/write-sqlite/target_table.h"

namespace stream {

class CommitLog {
 public:
  CommitLog(TargetDatabase& database, std::string run, std::string stage)
      : database_(database), run_(std::move(run)), stage_(std::move(stage)) {}

  // All of these within a transaction of the caller.
  Status create_tables();
  Result<bool> begun();
  Status begin(const std::string& table);
  // From now on earlier attempts are refused. Errors: kFailed if a later one has been here.
  Status take_over(std::uint32_t attempt);
  // Errors: kFailed if a later attempt has taken over: this one stood still for long, and is not wanted any more.
  Status check_newest(std::uint32_t attempt);
  Result<bool> contains(Committable committable);
  Status add(Committable committable, const std::vector<RowRange>& inserted, std::int64_t oldest_changed);
  // Whether rows that were there at `epoch` have been changed or deleted since.
  Result<bool> changed_since(Epoch epoch);
  // Row ids inserted after `epoch`; forgets these epochs. Errors: kFailed if they are not known any more.
  Result<std::vector<RowRange>> take_after(Epoch epoch);

 private:
  Result<Statement> prepare(const std::string& sql, std::int64_t epoch);
  Status run(const std::string& sql, std::int64_t epoch);
  Status forget_old(Epoch newest);

  TargetDatabase& database_;
  std::string run_;
  std::string stage_;
};

}  // namespace stream
