#include "transport/base/sampled_input.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace stream {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

}  // namespace

bool SampledInput::terminal() const { return ::isatty(fd_) != 0; }

Result<bool> SampledInput::readable(Microseconds timeout) const {
  pollfd descriptor{fd_, POLLIN, 0};
  const int wait_ms = timeout < 0 ? -1 : static_cast<int>((timeout + 999) / 1000);
  for (;;) {
    const int ready = ::poll(&descriptor, 1, wait_ms);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return system_error("wait for", "standard input", errno);
  }
}

Status SampledInput::read_some() {
  const std::size_t held = bytes_.size();
  bytes_.resize(held + kReadSize);
  ssize_t n = 0;
  do { n = ::read(fd_, bytes_.data() + held, kReadSize); } while (n < 0 && errno == EINTR);
  const int error = n < 0 ? errno : 0;
  bytes_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (error == EAGAIN) return {};  // a descriptor that somebody else made non-blocking
  if (error != 0) return system_error("read", "standard input", error);
  ended_ = n == 0;
  lines_ +=
      static_cast<std::size_t>(std::count(bytes_.begin() + static_cast<std::ptrdiff_t>(held), bytes_.end(), '\n'));
  return {};
}

Status SampledInput::gather(std::size_t bytes_max) {
  Microseconds line_at = clock_.monotonic_us();
  for (;;) {
    const bool line = lines_ > lines_had_;
    const Microseconds since = clock_.monotonic_us() - line_at;
    if (sample_enough({bytes_.size(), lines_, lines_had_, ended_, line ? since : 0}, bytes_max)) break;
    STREAM_ASSIGN(const bool ready, readable(line ? std::max<Microseconds>(kSamplePatience - since, 0) : -1));
    if (ready) STREAM_TRY(read_some());
    if (!line && lines_ > lines_had_) line_at = clock_.monotonic_us();
  }
  lines_had_ = lines_;
  return {};
}

}  // namespace stream
