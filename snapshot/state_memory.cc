#include "snapshot/state_memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <csignal>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "snapshot/state_arena.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr Microseconds kLookEvery = 5'000;  // while the bound is not near
constexpr Microseconds kTrimEvery = 100'000;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::size_t kHuge = 2 << 20;
constexpr std::size_t kMapped = 32 << 20;  // malloc has none of it at hand

struct Bounded {
  explicit Bounded(const StateMemory::Setup& setup)
      : arena(setup.folder, setup.memory_bytes), stage(setup.stage), give_up(setup.give_up) {}

  std::mutex mutex;
  StateArena arena;
  std::string stage;
  void (*give_up)(Code, const char*);
  struct sigaction old_segv = {};
  struct sigaction old_bus = {};
  std::atomic<bool> tight = false;
  Microseconds next_look = 0;  // the loop thread's
  Microseconds next_trim = 0;
};

std::atomic<Bounded*> bounded_memory = nullptr;

Bounded* bounded() { return bounded_memory.load(std::memory_order_acquire); }

// Only what signal handlers may call.
void give_up(const Bounded& bounded) {
  const SpillFailure& failure = bounded.arena.failure();
  const std::uint64_t memory = bounded.arena.budget().memory_bytes();
  char text[1024];
  if (failure.needed != 0) {
    std::snprintf(text, sizeof text,
                  "'memory' of stage '%s' is %lluMiB for an instance, which is not enough for what it needs beside its "
                  "state; set 'memory: %lluMiB' or more",
                  bounded.stage.c_str(), static_cast<unsigned long long>(memory / kMiB),
                  static_cast<unsigned long long>(failure.needed / kMiB));
  } else {
    std::snprintf(text, sizeof text,
                  "unable to %s state of stage '%s', which is larger than its 'memory' of %lluMiB, in '%s': %s; make "
                  "room there, or raise 'memory'",
                  failure.what, bounded.stage.c_str(), static_cast<unsigned long long>(memory / kMiB),
                  bounded.arena.folder().c_str(), ::strerrordesc_np(failure.error));
  }
  bounded.give_up(failure.needed != 0 ? Code::kUsage : Code::kSystem, text);
}

// The access is repeated when this returns: then it works, or with the old handler it is the mistake that it is.
void on_refused(int signal, siginfo_t* info, void* /*context*/) {
  const int saved = errno;
  Bounded& memory = *bounded();
  if (memory.arena.spans(info->si_addr)) {
    const std::lock_guard lock(memory.mutex);
    if (signal == SIGBUS) memory.arena.not_read();
    if (signal == SIGSEGV && memory.arena.admit(info->si_addr)) {
      errno = saved;
      return;
    }
    if (memory.arena.failure().what != nullptr) give_up(memory);
  }
  ::sigaction(signal, signal == SIGSEGV ? &memory.old_segv : &memory.old_bus, nullptr);
}

}  // namespace

void StateMemory::begin(const Setup& setup) {
  auto memory = std::make_unique<Bounded>(setup);
  struct sigaction action = {};
  action.sa_sigaction = on_refused;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  Bounded* now = memory.release();
  bounded_memory.store(now, std::memory_order_release);
  ::sigaction(SIGSEGV, &action, &now->old_segv);
  ::sigaction(SIGBUS, &action, &now->old_bus);
}

void StateMemory::end() {
  const std::unique_ptr<Bounded> memory(bounded_memory.exchange(nullptr));
  if (!memory) return;
  ::sigaction(SIGSEGV, &memory->old_segv, nullptr);
  ::sigaction(SIGBUS, &memory->old_bus, nullptr);
}

std::uint8_t* StateMemory::allocate(std::size_t size) {
  Bounded* memory = bounded();
  if (memory == nullptr || size < kSmall) return nullptr;
  const std::lock_guard lock(memory->mutex);
  std::uint8_t* start = memory->arena.allocate(size);
  if (start == nullptr) give_up(*memory);
  memory->tight.store(memory->arena.tight(), std::memory_order_relaxed);
  return start;
}

bool StateMemory::release(std::uint8_t* start, std::size_t size) {
  Bounded* memory = bounded();
  if (memory == nullptr || size < kSmall) return false;
  const std::lock_guard lock(memory->mutex);
  if (!memory->arena.owns(start)) return false;
  memory->arena.release(start, size);
  return true;
}

namespace {

// From a size on that is never at hand, and each time comes from the kernel: 4 KiB at a time that cost as much as what
// is done with it.
void* ordinary(std::size_t size) {
  void* start = ::operator new(size);
  if (size < kMapped) return start;
  const auto first = (reinterpret_cast<std::uintptr_t>(start) + kHuge - 1) / kHuge * kHuge;
  const auto end = (reinterpret_cast<std::uintptr_t>(start) + size) / kHuge * kHuge;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
  return start;
}

}  // namespace

void* StateMemory::allocate_bytes(std::size_t size, bool passing) {
  Bounded* memory = bounded();
  if (memory == nullptr || size < kSmall) return ordinary(size);
  if (passing) {
    const std::lock_guard lock(memory->mutex);
    if (memory->arena.take_passing(size)) return ordinary(size);
  }
  return allocate(size);
}

void StateMemory::release_bytes(void* start, std::size_t size, bool passing) {
  Bounded* memory = bounded();
  if (memory == nullptr || size < kSmall) return ::operator delete(start);
  if (release(static_cast<std::uint8_t*>(start), size)) return;
  if (passing) {
    const std::lock_guard lock(memory->mutex);
    memory->arena.give_passing(size);
  }
  ::operator delete(start);
}

void StateMemory::look() {
  Bounded* memory = bounded();
  if (memory == nullptr) return;
  const Microseconds now = system_clock().monotonic_us();
  if (!memory->tight.load(std::memory_order_relaxed)) {
    if (now < memory->next_look) return;
    memory->next_look = now + kLookEvery;
  }
  const std::lock_guard lock(memory->mutex);
  if (memory->arena.short_of_memory() && now >= memory->next_trim) {
    ::malloc_trim(0);
    memory->next_trim = now + kTrimEvery;
  }
  if (!memory->arena.look()) give_up(*memory);
  memory->tight.store(memory->arena.tight(), std::memory_order_relaxed);
}

std::uint64_t StateMemory::spilled_bytes() {
  Bounded* memory = bounded();
  if (memory == nullptr) return 0;
  const std::lock_guard lock(memory->mutex);
  return memory->arena.spilled_bytes();
}

}  // namespace stream
