// What one client has yet to take. It is bounded in bytes and time: a client that does not take it is given up, never
// waited for.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>

#include "supervisor/http/frames.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr std::size_t kOutboxMax = 4U << 20;          // bytes
inline constexpr Microseconds kOutboxPatience = 10'000'000;  // without taking a byte

class Outbox {
 public:
  explicit Outbox(std::size_t most = kOutboxMax) : most_(most) {}

  // False: there is no room, the client is too slow. What is larger than all the room still goes into an empty one.
  bool push(Frame frame, Microseconds now);
  bool empty() const { return frames_.empty(); }
  std::size_t bytes() const { return bytes_; }
  std::string_view front() const;  // what goes out next
  void took(std::size_t count, Microseconds now);
  // Has taken nothing for too long.
  bool stalled(Microseconds now) const { return !empty() && now - taken_us_ >= kOutboxPatience; }

 private:
  const std::size_t most_;
  std::deque<Frame> frames_;
  std::size_t begin_ = 0;  // of the first
  std::size_t bytes_ = 0;
  Microseconds taken_us_ = 0;
};

}  // namespace stream::http
