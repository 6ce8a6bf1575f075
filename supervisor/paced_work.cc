#include "supervisor/paced_work.h"

#include <poll.h>
#include <time.h>

#include <cerrno>

namespace stream {
namespace {

Microseconds cpu_of_thread() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000 + used.tv_nsec / 1000;
}

}  // namespace

Status PacedWork::GentleThread::run(const std::function<Status()>& step, std::string& refused) {
  if (!std::exchange(started_, true)) {
    worker_.submit([this] { return give_way(priority_); },
                   [&](const Status& granted) {
                     if (!granted.ok()) refused = granted.what();
                     return Status();
                   });
  }
  Status result;
  worker_.submit(step, [&](Status status) {
    result = std::move(status);
    return Status();
  });
  while (worker_.pending() > 0) {
    pollfd wake{worker_.wake_fd(), POLLIN, 0};
    if (::poll(&wake, 1, -1) < 0 && errno != EINTR) return system_error("wait for", "a thread", errno);
    STREAM_TRY(worker_.deliver());
  }
  return result;
}

Status PacedWork::run(const std::function<Status()>& step) {
  if (hurry_) return step();
  GentleThread& thread = pace_.priority() == ThreadPriority::kIdle ? idle_ : low_;
  const Microseconds began = system_clock().monotonic_us();
  Microseconds cpu = 0;
  Status done = thread.run(
      [&] {
        const Microseconds before = cpu_of_thread();
        Status status = step();
        cpu = cpu_of_thread() - before;
        return status;
      },
      refused_);
  pace_.worked(system_clock().monotonic_us() - began, cpu);
  return done;
}

}  // namespace stream
