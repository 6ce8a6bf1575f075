// PgDestination: a table of a server, as a stage of a run writes it, whichever way it commits.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "stages/kit/stage.h"
#include "stages/write-postgres/commit_log.h"
#include "stages/write-postgres/target_table.h"

namespace stream {

class PgDestination {
 public:
  // Reads the options, connects to nothing. Errors: kUsage, for the secret too.
  static Result<std::unique_ptr<PgDestination>> of(const Context& context);

  // Makes the table, or checks what is there. `fresh`: the run has no checkpoint. The first instance of a run to
  // come here makes or replaces the table; the others, and later attempts, find the run in the log.
  Status begin(bool fresh);
  // What follows goes behind what is there, whatever `if-exists` says.
  void append() { if_exists_ = IfExists::kAppend; }
  // Takes back what epochs behind this one have committed, as Sink::rewind() says.
  Status rewind(Epoch epoch);

  // Runs `work` in one transaction, again and again while the server cannot be reached, within kServerPatience:
  // it must do no harm twice, as nobody knows whether a COMMIT that was cut off has happened.
  Status transact(const std::function<Status(PgConnection&)>& work);
  // The same without a transaction.
  Status patiently(const std::function<Status(PgConnection&)>& work);

  // A connection of its own beside that of the functions above.
  Result<std::unique_ptr<PgConnection>> connect() const;
  Result<std::unique_ptr<PgConnection>> connect(Microseconds patience) const;

  const PgTarget& table() const { return *table_; }
  const PgCommitLog& log() const { return *log_; }
  const std::string& application() const { return application_; }

 private:
  enum class IfExists : std::uint8_t { kAppend, kReplace, kFail };
  PgDestination() = default;
  Status make_table(PgConnection& server, bool fresh);

  bool supervised_ = false;
  std::shared_ptr<Trouble> trouble_;
  std::string dsn_;
  std::string application_;
  std::string name_;
  IfExists if_exists_ = IfExists::kFail;
  std::unique_ptr<PgTarget> table_;
  std::unique_ptr<PgCommitLog> log_;
  std::unique_ptr<PgConnection> server_;
};

// The table's name: the option, or that of the stage.
std::string pg_table_of(const Values& options, const std::string& stage);

}  // namespace stream
