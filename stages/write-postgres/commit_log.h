// PgCommitLog: what a run has committed, in tables beside the data and in the same transactions.
//
//   _stream_sinks(run, stage, table_name, forgotten)      the run has begun to write this table
//   _stream_commits(run, stage, epoch, instance, xid)     this committable is in the table, by that transaction
//
// The newest 1,000 epochs are kept; `forgotten` is the newest that is not. The tables lie in the schema of the table.
#pragma once

#include <string>
#include <vector>

#include "snapshot/outbox.h"
#include "stages/postgres/connection.h"

namespace stream {

class PgCommitLog {
 public:
  // `beside`: the table, as the user wrote it.
  PgCommitLog(const std::string& beside, std::string run, std::string stage);

  // All of these within a transaction of the caller. create_tables() also holds off other instances to its end.
  Status create_tables(PgConnection& server) const;
  Result<bool> begun(PgConnection& server) const;
  Status begin(PgConnection& server, const std::string& table) const;
  // False: it is there already. Waits for a transaction in which it is being added.
  Result<bool> add(PgConnection& server, Committable committable) const;
  Result<bool> contains(PgConnection& server, Committable committable) const;
  // Transactions of the epochs behind this one; forgets them. Errors: kFailed if they are not known any more.
  Result<std::vector<std::string>> take_after(PgConnection& server, Epoch epoch) const;

 private:
  Status forget_old(PgConnection& server, Epoch newest) const;
  PgConnection::Parameters with(std::int64_t number) const { return {run_, stage_, std::to_string(number)}; }

  std::string sinks_;
  std::string commits_;
  std::string run_;
  std::string stage_;
};

}  // namespace stream
