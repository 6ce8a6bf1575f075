#include "supervisor/http/pipes.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace stream::http {
namespace {

constexpr int kLookEvery = 1000;  // milliseconds, at who is quiet or stalled

void wake(int descriptor) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);  // full: it is awake
}

}  // namespace

void Pipe::push(Frame frame) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || slow_ || finished_) return;
    slow_ = !outbox_.push(std::move(frame), system_clock().monotonic_us());
  }
  wake(wake_);
}

void Pipe::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  wake(wake_);
}

std::size_t Pipe::waiting() const {
  const std::lock_guard lock(mutex_);
  return outbox_.bytes();
}

bool Pipe::flush(Microseconds now) {
  const std::lock_guard lock(mutex_);
  if (slow_ || lost_ || outbox_.stalled(now)) return false;
  if (outbox_.empty() && now - sent_us_ >= kQuietMax) outbox_.push(comment_frame(""), now);
  while (!outbox_.empty()) {
    const std::string_view next = outbox_.front();
    const ssize_t took = end_->send(next.data(), next.size());
    if (took < 0) return false;
    if (took == 0) return true;
    outbox_.took(static_cast<std::size_t>(took), now);
    sent_us_ = now;
  }
  return !finished_;
}

Pipes::Pipes(int wake) : wake_(wake), thread_([this] { run(); }) {}

Result<std::unique_ptr<Pipes>> Pipes::open() {
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return system_error("make", "an eventfd", errno);
  return std::unique_ptr<Pipes>(new Pipes(wake));
}

Pipes::~Pipes() {
  over_ = true;
  wake(wake_);
  thread_.join();
  for (const auto& pipe : pipes_) pipe->gone_ = true;
  ::close(wake_);
}

Status Pipes::check_room() const {
  if (size_ < kPipesMax) return {};
  return {Code::kInterrupted,
          std::to_string(kPipesMax) + " streams are open, the most at once; try again when one is closed"};
}

std::shared_ptr<Pipe> Pipes::add(std::unique_ptr<OpenEnd> end) {
  std::shared_ptr<Pipe> pipe(new Pipe(std::move(end), wake_));
  pipe->sent_us_ = system_clock().monotonic_us();
  ++size_;
  {
    const std::lock_guard lock(mutex_);
    added_.push_back(pipe);
  }
  wake(wake_);
  return pipe;
}

void Pipes::run() {
  while (!over_) turn();
}

void Pipes::turn() {
  {
    const std::lock_guard lock(mutex_);
    pipes_.insert(pipes_.end(), added_.begin(), added_.end());
    added_.clear();
  }
  const Microseconds now = system_clock().monotonic_us();
  std::vector<pollfd> waits = {{wake_, POLLIN, 0}};
  std::erase_if(pipes_, [&](const std::shared_ptr<Pipe>& pipe) {
    if (pipe->flush(now)) {
      const bool full = pipe->waiting() > 0;
      waits.push_back({pipe->end_->descriptor(), static_cast<short>(POLLIN | (full ? pipe->end_->awaited() : 0)), 0});
      return false;
    }
    pipe->gone_ = true;
    pipe->end_.reset();  // whoever fills it may hold on to it for a while
    --size_;
    return true;
  });
  if (::poll(waits.data(), waits.size(), kLookEvery) <= 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake_, &count, sizeof count);
  for (std::size_t i = 1; i < waits.size(); ++i) {
    if ((waits[i].revents & ~POLLOUT) != 0 && !pipes_[i - 1]->end_->hear()) pipes_[i - 1]->lost_ = true;
  }
}

}  // namespace stream::http
