#include "snapshot/read_ahead.h"

#include <thread>

namespace stream {
namespace {

constexpr std::size_t kChangesAhead = 4;

}  // namespace

class ReadAhead::Queue {
 public:
  // False when nobody takes changes any more. Waits for room.
  bool push(Change change) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return refused_ || changes_.size() < kChangesAhead; });
    if (refused_) return false;
    changes_.push_back(std::move(change));
    filled_.notify_one();
    return true;
  }
  // The next change; none at the end. Waits for one.
  std::optional<Change> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return ended_ || !changes_.empty(); });
    if (changes_.empty()) return std::nullopt;
    Change change = std::move(changes_.front());
    changes_.pop_front();
    room_.notify_one();
    return change;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    filled_.notify_one();
  }
  void refuse() {
    const std::lock_guard lock(mutex_);
    refused_ = true;
    room_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<Change> changes_;
  bool ended_ = false;
  bool refused_ = false;
};

// Batches share their bytes, so they may be kept.
class ReadAhead::Enqueue final : public Destination {
 public:
  explicit Enqueue(Queue& queue) : queue_(queue) {}

  Status clear() override {
    return push([](Destination& to) { return to.clear(); });
  }
  Status drop_before(std::size_t column, std::int64_t before) override {
    return push([=](Destination& to) { return to.drop_before(column, before); });
  }
  Status drop(const Batch& keys) override {
    return push([keys](Destination& to) { return to.drop(keys); });
  }
  Status load(const Batch& rows) override {
    return push([rows](Destination& to) { return to.load(rows); });
  }

 private:
  Status push(Change change) { return queue_.push(std::move(change)) ? Status() : failed("a change was refused"); }

  Queue& queue_;
};

Status ReadAhead::run(const Read& read, Destination& to) {
  Queue queue;
  Status reading;
  std::thread reader([&] {
    Enqueue enqueue(queue);
    reading = read(enqueue);
    queue.end();
  });
  Status applied;
  while (applied.ok()) {
    const std::optional<Change> change = queue.pop();
    if (!change) break;
    applied = (*change)(to);
  }
  queue.refuse();
  reader.join();
  return applied.ok() ? reading : applied;
}

}  // namespace stream
