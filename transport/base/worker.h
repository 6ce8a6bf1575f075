// Worker: one thread for slow calls (fsync, network), so that the run loop never waits for them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "transport/base/status.h"

namespace stream {

class Worker {
 public:
  Worker();
  // Finishes what is running, drops what has not begun.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // `work` runs on the worker's thread, one after the other in order of submission; `done` gets
  // its status on the thread that calls deliver().
  void submit(std::function<Status()> work, std::function<Status(Status)> done);

  // Readable when deliver() has something to do.
  int wake_fd() const { return wake_fd_; }
  Status deliver();
  std::size_t pending() const { return pending_; }  // submitted and not yet delivered

 private:
  struct Job {
    std::function<Status()> work;
    std::function<Status(Status)> done;
    Status status;
  };
  void run();

  int wake_fd_;
  std::size_t pending_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::deque<Job> finished_;
  bool stop_ = false;
  std::thread thread_;  // started with the first job
};

}  // namespace stream
