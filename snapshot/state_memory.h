// StateMemory: where state lies while the memory of the instance is bounded, and how it gets to disk and back.
//
// Large pieces of state (rows, strings, hashes, what captures copy) lie in one range of addresses. While all of it
// fits it is ordinary memory, in huge pages, and costs nothing. What does not fit is spilled: it is written to a file
// without a name and mapped from there at the same address, so no pointer changes; what is not in memory cannot be
// accessed. The access is then caught (SIGSEGV), something else is put out, and the access is repeated. So the bound
// holds whatever the stage does and on whatever thread; nothing has to be asked for, pinned, or done in pieces.
//
// State is never handed to system calls, which would fail instead (EFAULT) where it is spilled: it is copied into
// batches first.
//
// One for the whole process, as signal handlers are. Without begin() nothing is bounded. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "transport/base/status.h"

namespace stream {

class StateMemory {
 public:
  struct Setup {
    std::string stage;   // its name, for messages
    std::string folder;  // local scratch; made when it is needed
    std::uint64_t memory_bytes = 0;
    // Told what went wrong when the bound cannot be held any more: kUsage, more memory is needed; kSystem, the disk.
    // Ends the process, from within a signal handler.
    void (*give_up)(Code code, const char* what) = nullptr;
  };

  // From now on the bound holds.
  static void begin(const Setup& setup);
  // For tests: everything has been released.
  static void end();

  // Zeroed; large ones come in huge pages. Null: nothing is bounded, or it is small.
  static std::uint8_t* allocate(std::size_t size);
  // False: it is not from here.
  static bool release(std::uint8_t* start, std::size_t size);

  // The same with what allocate() does not give from ordinary memory, not zeroed. `passing`: for a purpose that is
  // soon over; it is spilled only where memory is short, since ordinary memory can be used again at once.
  static void* allocate_bytes(std::size_t size, bool passing);
  static void release_bytes(void* start, std::size_t size, bool passing);

  // Measures what the process has, and puts state out if it is too much. Call often: it measures now and then, and
  // every time where the bound is near.
  static void look();

  static std::uint64_t spilled_bytes();  // of state that are not in memory

  // Smaller pieces are never spilled.
  static constexpr std::size_t kSmall = 64 << 10;
};

// For containers that grow with the state, or with what has changed of it.
template <class T>
class StateAllocator {
 public:
  using value_type = T;
  StateAllocator() = default;
  template <class U>
  explicit StateAllocator(const StateAllocator<U>& /*other*/) {}
  T* allocate(std::size_t count) { return static_cast<T*>(StateMemory::allocate_bytes(count * sizeof(T), true)); }
  void deallocate(T* start, std::size_t count) { StateMemory::release_bytes(start, count * sizeof(T), true); }
  friend bool operator==(const StateAllocator&, const StateAllocator&) { return true; }
};

// Bytes of state outside of tables, freed with their owner.
struct FreeStateBytes {
  std::size_t size = 0;
  bool passing = false;
  void operator()(char* start) const { StateMemory::release_bytes(start, size, passing); }
};
using StateBytes = std::unique_ptr<char[], FreeStateBytes>;

inline StateBytes state_bytes(std::size_t size, bool passing = false) {
  return {static_cast<char*>(StateMemory::allocate_bytes(size, passing)), {size, passing}};
}

}  // namespace stream
