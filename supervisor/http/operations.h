// What was begun over HTTP and is asked for later: each runs on a thread of its own. Bounded: so many run at once. What
// came of it is kept in a store, and a while in memory, where that cannot be written.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "supervisor/http/operation_store.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::http {

inline constexpr std::size_t kOperationsAtOnce = 16;
inline constexpr std::size_t kOperationsKept = 1000;
inline constexpr Microseconds kOutcomeKept = 300'000'000;  // in memory
inline constexpr std::int64_t kOperationsListed = 1000;

// Whose wish something is, and what job it is about.
struct AskedBy {
  std::string who = {};
  std::string remote = {};
  std::string job = {};  // name
};

class Operations {
 public:
  // What is told of it when it is over: the fields of `operation`.
  using Work = std::function<nlohmann::json()>;

  // Told, on any thread, of what is over, and perhaps after this is gone.
  using Listener = std::function<void(const OperationRecord&)>;

  explicit Operations(const Clock& clock = system_clock(), std::unique_ptr<OperationStore> store = nullptr,
                      Listener ended = {});

  // `what` is its kind and object. `id` as wished, "" = a new one: what has that id already is not begun again. Gives
  // the id. Errors: kInterrupted where too many run, kUsage where the id is that of something else.
  Result<std::string> begin(const std::string& what, const std::string& id, Work work, const AskedBy& by = {});
  // What was done while its request waited: kept like any other.
  void note(const std::string& what, const AskedBy& by, Microseconds begun_us, const nlohmann::json& told);

  struct Outcome {
    bool over = false;
    nlohmann::json told = {};
  };
  std::optional<Outcome> look(const std::string& what, const std::string& id);

  // Those of all servers, the newest first. Errors: kSystem.
  Result<std::vector<OperationRecord>> newest(std::int64_t most);
  Result<std::optional<OperationRecord>> find(const std::string& id);

  // Waits until none runs, or the time is over. For tests.
  bool wait_until_idle(Microseconds patience);

 private:
  struct Entry {
    OperationRecord record;
    Outcome outcome;
    Microseconds ended_us = 0;  // monotonic
  };
  // Shared with the threads: they may outlive this.
  struct All {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Entry> entries;
    std::size_t running = 0;
    std::unique_ptr<OperationStore> store;
    Listener ended;
    bool told = false;  // that it cannot be written
    void save(const OperationRecord& record, const Clock& clock);
  };
  void forget_old();

  const Clock& clock_;
  std::shared_ptr<All> all_;
};

std::string new_id();  // 32 hex digits, random

}  // namespace stream::http
