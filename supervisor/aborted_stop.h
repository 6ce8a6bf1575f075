// When a stop does without its final checkpoint: it has been aborted at least twice, and for some time. A pure
// decision.
//
// What aborts one may pass, as a disk that is full while something is being deleted; whoever stops a job waits for
// that, and not for ever. Nothing is lost: what the checkpoint would hold is read again.
#pragma once

#include <optional>
#include <string>

#include "transport/base/clock.h"

namespace stream {

class AbortedStop {
 public:
  static constexpr Microseconds kPatience = 3'000'000;

  // While the job stops.
  void aborted(std::string why, Microseconds now) {
    if (times_++ == 0) since_ = now;
    why_ = std::move(why);
  }
  void published() { times_ = 0; }

  // Why it is not waited for any longer.
  std::optional<std::string> hopeless(Microseconds now) const {
    if (times_ < 2 || now - since_ < kPatience) return std::nullopt;
    return why_;
  }

 private:
  int times_ = 0;
  Microseconds since_ = 0;
  std::string why_;
};

}  // namespace stream
