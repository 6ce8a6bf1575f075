// What was asked over HTTP and what came of it, in $STREAM_HOME/.serve/operations.sqlite: for seven days, and beyond
// the end of the server. Several servers share it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

struct sqlite3;

namespace stream::http {

inline constexpr Microseconds kOperationKept = 7 * Microseconds{86'400'000'000};
inline constexpr std::int64_t kOperationsStored = 100'000;

struct OperationRecord {
  std::string id;
  std::string what;       // kind and object: "savepoint 9f…"
  std::string name = {};  // of the job, as it was called then
  std::string who = {};
  std::string remote = {};
  Microseconds begun_us = 0;  // wall
  Microseconds ended_us = 0;  // 0 = not yet
  bool failed = false;
  std::string outcome = {};  // JSON
  std::string server = {};   // that carries it out

  std::string kind() const { return what.substr(0, what.find(' ')); }
  std::string object() const { return what.find(' ') == std::string::npos ? "" : what.substr(what.find(' ') + 1); }
};

// This process, as no other is called: its number and when it began.
std::string this_server();
// Whether a server that was called so is still there.
bool is_alive(const std::string& server);

// For any thread.
class OperationStore {
 public:
  // Errors: kSystem, kCorrupt.
  static Result<std::unique_ptr<OperationStore>> open(const std::string& path);
  ~OperationStore();
  OperationStore(const OperationStore&) = delete;

  // Begun or over; what is older than kOperationKept goes.
  Status save(const OperationRecord& record, Microseconds now_us);
  Result<std::optional<OperationRecord>> find(const std::string& id);
  Result<std::vector<OperationRecord>> newest(std::int64_t most);

 private:
  explicit OperationStore(sqlite3* db) : db_(db) {}

  std::mutex mutex_;
  sqlite3* db_;
};

}  // namespace stream::http
