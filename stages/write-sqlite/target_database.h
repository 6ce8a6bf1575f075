// TargetDatabase: a connection to a database that others read and write too.
//
// Write-ahead logging, so that readers never wait; fully synchronous, because a commit that was
// reported is forgotten by the outbox. Waits for other writers, within bounds.
//
// Errors: kUsage for a file that is no database, or a damaged one; kBadRecord for a row that the
// table refuses; kSystem for the disk and the system; else kFailed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "snapshot/sqlite.h"
#include "stages/kit/trouble.h"

struct sqlite3;

namespace stream {

class TargetDatabase {
 public:
  // Makes the file if absent; its folder must exist. Who else is writing is waited for: that is the trouble.
  static Result<std::unique_ptr<TargetDatabase>> open(const std::string& path, std::shared_ptr<Trouble> trouble);
  ~TargetDatabase();
  TargetDatabase(const TargetDatabase&) = delete;
  TargetDatabase& operator=(const TargetDatabase&) = delete;

  Status execute(const std::string& sql);
  Result<Statement> prepare(const std::string& sql);

  // Runs `work` in one transaction that holds the write lock from its begin: all of it is durable,
  // or nothing of it happened. Errors: those of `work`; kSystem if the lock cannot be had in 30 s.
  Status transact(const std::function<Status()>& work);

  std::int64_t changes() const;  // rows the last statement changed
  std::int64_t last_row_id() const;
  const std::string& path() const { return path_; }

 private:
  TargetDatabase(sqlite3* db, std::string path, std::shared_ptr<Trouble> trouble)
      : db_(db), path_(std::move(path)), trouble_(std::move(trouble)) {}
  Status execute_patiently(const char* sql);
  Status error(int code) const;

  sqlite3* db_;
  std::string path_;
  std::shared_ptr<Trouble> trouble_;
};

}  // namespace stream
