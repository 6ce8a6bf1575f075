// What was begun over HTTP and is asked for later: each runs on a thread of its own, and its outcome is kept for a
// while. Bounded: so many run at once, so many are kept.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::http {

inline constexpr std::size_t kOperationsAtOnce = 16;
inline constexpr std::size_t kOperationsKept = 1000;
inline constexpr Microseconds kOutcomeKept = 300'000'000;  // as Flink

class Operations {
 public:
  // What is told of it when it is over: the fields of `operation`.
  using Work = std::function<nlohmann::json()>;

  explicit Operations(const Clock& clock = system_clock()) : clock_(clock), all_(std::make_shared<All>()) {}

  // `what` is its kind and object. `id` as wished, "" = a new one: what has that id already is not begun again. Gives
  // the id. Errors: kInterrupted where too many run, kUsage where the id is that of something else.
  Result<std::string> begin(const std::string& what, const std::string& id, Work work);

  struct Outcome {
    bool over = false;
    nlohmann::json told = {};
  };
  std::optional<Outcome> look(const std::string& what, const std::string& id);

  // Waits until none runs, or the time is over. For tests.
  bool wait_until_idle(Microseconds patience);

 private:
  struct Entry {
    std::string what;
    Outcome outcome;
    Microseconds ended_us = 0;
  };
  // Shared with the threads: they may outlive this.
  struct All {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Entry> entries;
    std::size_t running = 0;
  };
  void forget_old();

  const Clock& clock_;
  std::shared_ptr<All> all_;
};

std::string new_id();  // 32 hex digits, random

}  // namespace stream::http
