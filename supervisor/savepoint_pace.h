// How fast a savepoint is built while its job runs. A pure decision.
//
// It takes what the job leaves: the priority is idle. On a machine with nothing to spare that may be next to nothing,
// and who waits for the savepoint must not wait for ever: if it has got less than a twentieth of a core for ten
// seconds, it goes on at nice 10, which gets about a tenth of a core however busy the machine is.
#pragma once

#include "transport/base/clock.h"
#include "transport/base/thread_priority.h"

namespace stream {

class SavepointPace {
 public:
  static constexpr Microseconds kPatience = 10'000'000;
  static constexpr Microseconds kLeastShare = 20;  // one of so many parts of a core

  ThreadPriority priority() const { return priority_; }
  // After each step of the work: how long it took, and how long it had a core meanwhile.
  void worked(Microseconds wall, Microseconds cpu);

 private:
  ThreadPriority priority_ = ThreadPriority::kIdle;
  Microseconds wall_ = 0;  // since it was last looked at
  Microseconds cpu_ = 0;
};

}  // namespace stream
