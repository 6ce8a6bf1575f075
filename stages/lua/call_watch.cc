#include "stages/lua/call_watch.h"

namespace stream {

CallWatch::CallWatch(std::chrono::milliseconds after, std::function<void()> tell)
    : after_(after), tell_(std::move(tell)), thread_([this] { run(); }) {}

CallWatch::~CallWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

void CallWatch::run() {
  std::unique_lock lock(mutex_);
  std::uint64_t seen = 0;
  std::uint64_t told = 0;
  while (!stopped_.wait_for(lock, after_, [this] { return stop_; })) {
    const std::uint64_t now = turns_.load(std::memory_order_relaxed);
    if (now % 2 == 1 && now == seen && now != told) {
      told = now;
      tell_();
    }
    seen = now;
  }
}

}  // namespace stream
