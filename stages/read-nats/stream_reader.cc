#include "stages/read-nats/stream_reader.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

namespace stream {
namespace {

constexpr int kFetchMost = 1000;
constexpr Microseconds kFetchWait = 200'000;  // also how long stopping may take
constexpr Microseconds kRetryAfter = 100'000;
constexpr std::size_t kQueueMessages = 8192;
constexpr std::size_t kQueueBytes = 8 << 20;

}  // namespace

StreamReader::StreamReader(Connect connect, StreamReading reading, StreamPosition position, const Clock& clock)
    : connect_(std::move(connect)),
      reading_(std::move(reading)),
      clock_(clock),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      next_(static_cast<std::uint64_t>(position.next)),
      end_(static_cast<std::uint64_t>(position.end)),
      located_(position.created != 0),
      position_(position),
      thread_([this] { run(); }) {}

StreamReader::~StreamReader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  ::close(wake_fd_);
}

void StreamReader::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void StreamReader::drain_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake_fd_, &count, sizeof count);
}

// Where to begin, and that it is still the stream that was read.
Status StreamReader::locate(const NatsStreamInfo& info) {
  const std::lock_guard lock(mutex_);
  if (position_.created != 0 && position_.created != info.created) {
    return usage_error(
        "stream '" + info.name +
        "' is not the one any more that was read: it has been made anew since; begin again with --fresh");
  }
  position_.created = info.created;
  located_ = true;
  if (next_ == 0 && reading_.start.kind != StartAt::Kind::kTime) {
    next_ = reading_.start.kind == StartAt::Kind::kLatest ? info.last + 1 : std::max<std::uint64_t>(info.first, 1);
    position_.next = static_cast<std::int64_t>(next_);
  }
  if (reading_.stop_at_end && end_ == 0) {
    end_ = info.last;
    position_.end = static_cast<std::int64_t>(end_);
  }
  return {};
}

void StreamReader::note_removed(const NatsStreamInfo& info) {
  if (next_ == 0 || info.first <= next_) return;
  ReadMessage gap;
  gap.removed = "messages " + std::to_string(next_) + " to " + std::to_string(info.first - 1) +
                " were removed from the stream before they were read";
  next_ = info.first;
  gap.message.sequence = next_ - 1;
  push(std::move(gap));
}

Status StreamReader::open() {
  puller_.reset();
  if (connection_ == nullptr) { STREAM_ASSIGN(connection_, connect_()); }
  auto found = connection_->stream(reading_.stream);
  // One that was there comes back when its server does.
  if (found.status().code() == Code::kNotFound && !located_) return usage_error(found.status().what());
  STREAM_ASSIGN(const NatsStreamInfo info, std::move(found));
  if (!info.keeps_what_is_read) {
    return usage_error("stream '" + info.name +
                       "' lets messages go when they are acknowledged, so it cannot be read again after a crash; "
                       "read a stream with retention by limits, such as one that has this as its source");
  }
  STREAM_TRY(locate(info));
  note_removed(info);
  NatsPull pull{reading_.stream, reading_.subject, next_, reading_.start.time};
  STREAM_ASSIGN(puller_, NatsPuller::open(*connection_, pull));
  const std::lock_guard lock(mutex_);
  ended_ = reading_.stop_at_end && (puller_->waiting() == 0 || (next_ != 0 && next_ > end_));
  if (ended_) wake();
  return {};
}

void StreamReader::push(ReadMessage message) {
  const std::lock_guard lock(mutex_);
  queue_bytes_ += message.message.message ? message.message.payload().size() : 0;
  queue_.push_back(std::move(message));
}

Status StreamReader::read_some() {
  STREAM_ASSIGN(std::vector<NatsMessage> messages, puller_->fetch(kFetchMost, kFetchWait));
  bool last = false;
  for (NatsMessage& message : messages) {
    const bool beyond = reading_.stop_at_end && message.sequence > end_;
    last = reading_.stop_at_end && (message.sequence >= end_ || message.behind == 0);
    next_ = message.sequence + 1;
    if (!beyond) push({std::move(message), ""});
    if (last) break;
  }
  if (last) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  if (!messages.empty()) wake();
  return {};
}

// False: no more, the error is told.
bool StreamReader::may_go_on(Status status) {
  const Microseconds now = clock_.monotonic_us();
  if (status.ok()) {
    patience_.succeeded();
    return true;
  }
  puller_.reset();
  std::unique_lock lock(mutex_);
  if (patience_.lasts(status, now, now + kRetryAfter)) {
    changed_.wait_for(lock, std::chrono::microseconds(kRetryAfter), [this] { return stop_; });
    return true;
  }
  error_ = std::move(status);
  wake();
  return false;
}

bool StreamReader::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [this] { return stop_ || ended_ || (queue_.size() < kQueueMessages && queue_bytes_ < kQueueBytes); });
  return !stop_ && !ended_;
}

void StreamReader::run() {
  while (wait_for_room()) {
    if (!may_go_on(puller_ == nullptr ? open() : read_some())) break;
  }
  puller_.reset();
  connection_.reset();
}

Result<StreamReader::Taken> StreamReader::take(std::size_t most) {
  Taken out;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && !error_.ok()) return error_;
    while (!queue_.empty() && out.messages.size() < most) {
      ReadMessage& next = queue_.front();
      queue_bytes_ -= next.message.message ? next.message.payload().size() : 0;
      position_.next = static_cast<std::int64_t>(next.message.sequence + 1);
      out.messages.push_back(std::move(next));
      queue_.pop_front();
    }
    out.position = position_;
    out.ended = ended_ && queue_.empty();
    if (!queue_.empty()) wake();
  }
  changed_.notify_all();
  return out;
}

}  // namespace stream
