#include "supervisor/http/byte_sender.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace stream::http {

// Until more can be sent, or there is no point in it.
bool ByteSender::wait(Microseconds until) const {
  constexpr Microseconds kTick = 1'000'000;
  for (;;) {
    const Microseconds left = until - system_clock().monotonic_us();
    if (left <= 0) return false;
    std::array<pollfd, 2> both = {pollfd{end_->descriptor(), end_->awaited(), 0}, pollfd{stop_, POLLIN, 0}};
    const int ready = ::poll(both.data(), both.size(), static_cast<int>(std::min(left, kTick) / 1000 + 1));
    if (both[1].revents != 0) return false;
    if (ready > 0) return true;
  }
}

Status ByteSender::put(std::string_view bytes) {
  Microseconds until = system_clock().monotonic_us() + patience_;
  while (!bytes.empty()) {
    const ssize_t took = end_->send(bytes.data(), bytes.size());
    if (took < 0) return {Code::kInterrupted, "the client has gone"};
    bytes.remove_prefix(static_cast<std::size_t>(took));
    if (took > 0) until = system_clock().monotonic_us() + patience_;
    if (took == 0 && !wait(until)) return {Code::kInterrupted, "the client takes nothing any more"};
  }
  return {};
}

Status ByteSender::send(std::string_view bytes) {
  if (!pieces_) return put(bytes);
  if (bytes.empty()) return {};  // it would be the end
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  STREAM_TRY(put(size));
  STREAM_TRY(put(bytes));
  return put("\r\n");
}

Status ByteSender::finish() { return pieces_ ? put("0\r\n\r\n") : Status(); }

}  // namespace stream::http
