// SampledInput: a descriptor whose first bytes are looked at before anybody reads them.
//
// Planning needs the beginning of standard input to find a schema; what was looked at is kept and is
// the first thing the reader gets, so nothing is lost. Waits only in gather().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr std::size_t kSampleLinesMax = 10'000;
// How long a slow writer is waited for once a whole line is there: a better sample against a later first row.
inline constexpr Microseconds kSamplePatience = 10'000;

// What is known of a sample that is being gathered.
struct SampleView {
  std::size_t bytes = 0;
  std::size_t lines = 0;      // line ends seen
  std::size_t lines_had = 0;  // … by whoever has found them too few
  bool ended = false;
  Microseconds since_line = 0;  // since there was a line more than `lines_had`
};

// Whether to stop gathering: the input has ended, there is as much as may be looked at, or there is a
// whole new line and its writer has been waited for. Pure.
constexpr bool sample_enough(const SampleView& view, std::size_t bytes_max) {
  if (view.ended || view.bytes >= bytes_max || view.lines >= kSampleLinesMax) return true;
  return view.lines > view.lines_had && view.since_line >= kSamplePatience;
}

class SampledInput {
 public:
  // Reads from `fd`, which stays the caller's. `clock` must outlive this.
  SampledInput(int fd, const Clock& clock) : fd_(fd), clock_(clock) {}

  // Waits until there is enough, and at least one line more than the last call gave. Errors: kSystem.
  Status gather(std::size_t bytes_max);

  std::string_view bytes() const { return bytes_; }
  bool ended() const { return ended_; }
  // There is no use in asking for more: the input has ended, or all that may be looked at is here.
  bool exhausted(std::size_t bytes_max) const {
    return ended_ || bytes_.size() >= bytes_max || lines_ >= kSampleLinesMax;
  }

  int descriptor() const { return fd_; }
  bool terminal() const;
  // The bytes looked at, for the reader; they are no longer here.
  std::string take() { return std::move(bytes_); }

 private:
  Status read_some();
  Result<bool> readable(Microseconds timeout) const;  // negative: without limit

  int fd_;
  const Clock& clock_;
  std::string bytes_;
  std::size_t lines_ = 0;
  std::size_t lines_had_ = 0;
  bool ended_ = false;
};

}  // namespace stream
