// What a thread gives way to. Linux keeps this for each thread, and the thread of an ordinary user cannot rise again:
// work that is to be done sooner goes on in another thread.
#pragma once

#include <cstdint>

#include "transport/base/status.h"

namespace stream {

enum class ThreadPriority : std::uint8_t {
  kIdle,  // runs where nobody else would, as far as the kernel can do it: SCHED_IDLE, disk requests of class idle
  kLow,   // nice 10: about a tenth of a core that somebody else keeps busy
  kNormal
};

// For the calling thread, and for what it starts. Error: kSystem, what the kernel did not grant; the rest holds.
Status give_way(ThreadPriority priority);

}  // namespace stream
