#include "stages/read-mqtt/mailbox.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace stream::mqtt {

Mailbox::Mailbox(const std::string& folder, const Clock& clock, Inbox::Say say)
    : inbox_(system_files(), folder, clock, std::move(say)),
      clock_(clock),
      put_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wake_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (const int fd : {put_fd_, inbox_.wake_fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(wake_fd_, EPOLL_CTL_ADD, fd, &event);
  }
}

Mailbox::~Mailbox() {
  ::close(wake_fd_);
  ::close(put_fd_);
}

// Where the inbox cannot be written, the client's thread waits here for ever: nothing is acknowledged.
void Mailbox::put(std::unique_lock<std::mutex>& lock, const std::string& record, bool wait) {
  changed_.wait(lock, [this] { return !closed_ && !inbox_.full() && error_.ok(); });
  const std::uint64_t number = inbox_.put(record);
  error_ = inbox_.serve();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(put_fd_, &one, sizeof one);
  if (wait) changed_.wait(lock, [&] { return !closed_ && inbox_.durable() >= number; });
}

void Mailbox::take(const Letter& letter) {
  std::unique_lock lock(mutex_);
  Letter stamped = letter;
  stamped.received = clock_.wall_us();
  put(lock, sealed(stamped), letter.qos > 0);
}

void Mailbox::take_held(const Letter& letter) {
  {
    const std::lock_guard lock(mutex_);
    // Another message under the same id is of a broker that has forgotten what it knew. That it may have been sent
    // before is not asked of the packet: brokers that have been restarted do not say it.
    const auto [held, taken] = held_.try_emplace(letter.packet, mark_of(letter));
    if (!taken && std::exchange(held->second, mark_of(letter)) == mark_of(letter)) return;
  }
  take(letter);
}

void Mailbox::release(std::uint16_t packet) {
  std::unique_lock lock(mutex_);
  if (held_.erase(packet) == 0) return;
  Letter letter;
  letter.packet = packet;
  letter.release = true;
  put(lock, sealed(letter), true);
}

void Mailbox::release_all() {
  for (const auto& [packet, mark] : held()) release(packet);
}

Held Mailbox::held() {
  const std::lock_guard lock(mutex_);
  return held_;
}

Status Mailbox::start(SpoolPosition from) {
  const std::lock_guard lock(mutex_);
  return inbox_.start(from);
}

void Mailbox::hold(Held held) {
  const std::lock_guard lock(mutex_);
  held_ = std::move(held);
}

Status Mailbox::serve() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(put_fd_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  if (error_.ok()) error_ = inbox_.serve();
  changed_.notify_all();
  return error_;
}

Result<bool> Mailbox::read(std::size_t bytes_max, const Inbox::Visit& visit) {
  const std::lock_guard lock(mutex_);
  auto more = inbox_.read(bytes_max, visit);
  changed_.notify_all();
  return more;
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

SpoolPosition Mailbox::position() {
  const std::lock_guard lock(mutex_);
  return inbox_.position();
}

}  // namespace stream::mqtt
