#include "transport/base/worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace stream {

Worker::Worker() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { STREAM_CHECK(wake_fd_ >= 0); }

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  ::close(wake_fd_);
}

void Worker::submit(std::function<Status()> work, std::function<Status(Status)> done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(work), std::move(done), {}});
  }
  ++pending_;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_one();
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.status = job.work();
    job.work = nullptr;
    lock.lock();
    finished_.push_back(std::move(job));
    const std::uint64_t one = 1;
    // An eventfd takes a write unless its counter is at its limit, which one wake-up cannot reach.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  }
}

// What is finished while callbacks run, perhaps because they have submitted it, comes with the next call: it has made
// the descriptor readable again, and would leave it so if it were taken now.
Status Worker::deliver() {
  if (pending_ == 0) return {};
  std::deque<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
    jobs.swap(finished_);
  }
  Status first;
  for (Job& job : jobs) {
    --pending_;
    Status done = job.done(std::move(job.status));
    if (first.ok()) first = std::move(done);
  }
  return first;
}

}  // namespace stream
