// CallWatch: notices a script that does not come back. While it runs nothing else does, heartbeats included, and
// who looks for the reason of a restart should find it in the log.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace stream {

class CallWatch {
 public:
  // `tell` is called on a thread of its own, once for each call that takes longer than about twice `after`.
  CallWatch(std::chrono::milliseconds after, std::function<void()> tell);
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  void begin() { turns_.fetch_add(1, std::memory_order_relaxed); }
  void end() { turns_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void run();

  const std::chrono::milliseconds after_;
  const std::function<void()> tell_;
  std::atomic<std::uint64_t> turns_ = 0;  // odd: inside a call
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace stream
