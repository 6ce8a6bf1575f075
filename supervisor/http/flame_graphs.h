// Flame graphs of vertices, as Flink makes them: whoever asks first begins the sampling and is told to wait; the result
// is kept for a minute. Bounded: one at a time of a vertex, so many at once of all, and so many are kept.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "supervisor/profile_job.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr std::size_t kFlamesAtOnce = 4;
inline constexpr std::size_t kFlamesKept = 200;
inline constexpr Microseconds kFlameKept = 60'000'000;
inline constexpr std::int64_t kFlameTerminated = -1;  // as Flink's endTimestamp
inline constexpr std::int64_t kFlameWaiting = -3;

class FlameGraphs {
 public:
  // Takes the time of sampling.
  using Take = std::function<Result<Profile>(const std::string& job, const ProfileWish& wish)>;

  explicit FlameGraphs(Take take, const Clock& clock = system_clock())
      : take_(std::move(take)), clock_(clock), all_(std::make_shared<All>()) {}

  // {"endTimestamp", "data"}: {"endTimestamp": -3} where it is being made. Errors: as of profile_job(), each once, and
  // kInterrupted where too many are being made.
  Result<nlohmann::json> look(const std::string& job, const ProfileWish& wish);

  // Waits until none is being made, or the time is over. For tests.
  bool wait_until_idle(Microseconds patience);

 private:
  struct Entry {
    Result<nlohmann::json> graph = nlohmann::json();
    Microseconds at_us = 0;
  };
  // Shared with the threads: they may outlive this.
  struct All {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Entry> entries;    // by job, vertex, instance and states
    std::map<std::string, bool> being_made;  // job and vertex
  };
  void forget_old(Microseconds now);

  Take take_;
  const Clock& clock_;
  std::shared_ptr<All> all_;
};

}  // namespace stream::http
