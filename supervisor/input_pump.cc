#include "supervisor/input_pump.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;

int make_eventfd() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  STREAM_CHECK(fd >= 0);
  return fd;
}

void drain(int fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd, &count, sizeof count);
}

}  // namespace

InputPump::InputPump(SampledInput input, SpoolWriter writer, const Clock& clock)
    : fd_(input.descriptor()),
      clock_(clock),
      writer_(std::move(writer)),
      input_(writer_.position().input),
      ended_(input.ended()),
      control_fd_(make_eventfd()),
      news_fd_(make_eventfd()) {
  gathered_ = input.take();
  received_ = gathered_.size();
}

Result<std::unique_ptr<InputPump>> InputPump::start(SampledInput input, Files& files, const std::string& folder,
                                                    const Clock& clock) {
  SpoolWriter writer(files, folder, {});
  STREAM_TRY(writer.begin(static_cast<std::uint64_t>(clock.wall_us())));
  std::unique_ptr<InputPump> pump(new InputPump(std::move(input), std::move(writer), clock));
  pump->thread_ = std::thread([raw = pump.get()] { raw->run(); });
  return pump;
}

InputPump::~InputPump() {
  if (Status stopped = stop(); !stopped.ok()) last_ = std::move(stopped);  // nobody is left to tell
  ::close(control_fd_);
  ::close(news_fd_);
}

void InputPump::poke(int fd) const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}

void InputPump::reader_at(const SpoolPosition& position) {
  if (position.input != input_) return;  // it still reads an earlier input, or says nothing yet
  if (reader_offset_.exchange(position.offset) != position.offset) poke(control_fd_);
}

void InputPump::pause() {
  if (!paused_.exchange(true)) poke(control_fd_);
}

Status InputPump::stop() {
  stopping_ = true;
  poke(control_fd_);
  if (thread_.joinable()) thread_.join();
  return std::exchange(last_, Status());
}

std::vector<InputPump::News> InputPump::take_news() {
  drain(news_fd_);
  const std::lock_guard lock(news_mutex_);
  return std::exchange(news_, {});
}

void InputPump::tell(bool fatal, std::string text) {
  {
    const std::lock_guard lock(news_mutex_);
    news_.push_back({fatal, std::move(text)});
  }
  poke(news_fd_);
}

PumpView InputPump::view() const {
  return {gathered_.size(), received_ - std::min<std::uint64_t>(received_, reader_offset_), ended_, paused_};
}

void InputPump::run() {
  while (!stopping_) {
    write();
    wait();
  }
  // What was read must not be lost: the pipe no longer has it.
  while (worker_.pending() > 0) wait();
  for (const std::string* bytes : {&writing_, &gathered_}) {
    if (last_.ok()) last_ = writer_.append(*bytes);
  }
}

Microseconds InputPump::patience() const {
  if (worker_.pending() > 0) return -1;
  const Microseconds now = clock_.monotonic_us();
  if (failing_) return std::max<Microseconds>(0, retry_at_ - now);
  return gathered_.empty() ? -1 : pump_delay(gathered_.size(), now - written_at_);
}

void InputPump::wait() {
  const bool reads = !stopping_ && pump_reads(view());
  const Microseconds left = patience();
  const int timeout_ms = left < 0 ? -1 : static_cast<int>((left + 999) / 1000);
  std::array<pollfd, 3> fds = {pollfd{control_fd_, POLLIN, 0}, pollfd{worker_.wake_fd(), POLLIN, 0},
                               pollfd{reads ? fd_ : -1, POLLIN, 0}};
  if (::poll(fds.data(), fds.size(), timeout_ms) < 0) return;
  if (fds[0].revents != 0) drain(control_fd_);
  if (fds[1].revents != 0) {
    // written() keeps every failure to itself.
    [[maybe_unused]] const Status delivered = worker_.deliver();
  }
  if (fds[2].revents != 0) read_some();
}

void InputPump::read_some() {
  const std::size_t held = gathered_.size();
  const std::size_t room = std::min(kReadSize, kPumpBufferMax - held);
  gathered_.resize(held + room);
  const ssize_t n = ::read(fd_, gathered_.data() + held, room);
  const int error = n < 0 ? errno : 0;
  gathered_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (error == EINTR || error == EAGAIN) return;
  ended_ = n <= 0;
  if (error != 0) return tell(true, system_error("read", "standard input", error).what());
  received_ += static_cast<std::uint64_t>(n);
}

void InputPump::write() {
  const Microseconds now = clock_.monotonic_us();
  if (worker_.pending() > 0 || now < retry_at_) return;
  if (writing_.empty() && !gathered_.empty()) {
    if (pump_delay(gathered_.size(), now - written_at_) > 0) return;
    std::swap(writing_, gathered_);
  }
  const bool end = writing_.empty() && ended_ && !told_end_;
  if (writing_.empty() && !end) return;
  written_at_ = now;
  worker_.submit([this, end] { return end ? writer_.end() : writer_.append(writing_); },
                 [this, end](const Status& status) {
                   told_end_ = end && status.ok();
                   return written(status);
                 });
}

// A full disk may have room again: what was read is kept, and so is, by the pipe, what was not.
Status InputPump::written(const Status& status) {
  if (status.ok()) {
    if (std::exchange(failing_, false)) tell(false, "standard input is spooled again");
    writing_.clear();
    return {};
  }
  retry_at_ = clock_.monotonic_us() + kPumpRetryAfter;
  if (status.code() == Code::kNotFound) {
    ended_ = told_end_ = true;  // the folder is gone: somebody has removed the job
    tell(true, status.what());
  } else if (!std::exchange(failing_, true)) {
    tell(false, "standard input waits: " + status.what() + "; it is tried again every second");
  }
  return {};
}

}  // namespace stream
