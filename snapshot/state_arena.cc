#include "snapshot/state_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>

#include "transport/base/check.h"

namespace stream {
namespace {

constexpr std::size_t kHuge = 2 << 20;
constexpr std::size_t kUnit = 64 << 10;
constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kAddressesMost = std::uint64_t{1} << 40;
constexpr std::uint64_t kAddressesLeast = std::uint64_t{1} << 30;
constexpr std::uint32_t kAdmissionsPerLook = 64;
// An extent in memory between two that are not takes two of the mappings a process may have, 65,530 by default.
constexpr std::uint64_t kExtentsMax = 16'384;

std::size_t extent_for(std::uint64_t memory_bytes) {
  return std::bit_ceil(std::clamp<std::uint64_t>(memory_bytes / kExtentsMax, kPage, kUnit));
}

std::size_t rounded(std::size_t size) {
  const std::size_t unit = size >= kHuge ? kHuge : kUnit;
  return (size + unit - 1) / unit * unit;
}

// A write that changes nothing, whoever reads meanwhile.
void touch(std::uint8_t* start, std::size_t size) {
  for (std::size_t at = 0; at < size; at += kPage) __atomic_fetch_or(start + at, 0, __ATOMIC_RELAXED);
}

std::uint64_t most_resident_bytes() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace

std::uint64_t resident_bytes() {
  const int saved = errno;
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[128];
  const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof text);
  if (fd >= 0) ::close(fd);
  errno = saved;
  ssize_t at = 0;
  while (at < size && text[at] != ' ') ++at;
  std::uint64_t pages = 0;
  for (++at; at < size && text[at] >= '0' && text[at] <= '9'; ++at) pages = pages * 10 + (text[at] - '0');
  return pages * kPage;
}

StateArena::StateArena(std::string folder, std::uint64_t memory_bytes)
    : folder_(std::move(folder)), budget_(memory_bytes, resident_bytes()), extent_(extent_for(memory_bytes)) {
  void* raw = MAP_FAILED;
  for (addresses_ = kAddressesMost; raw == MAP_FAILED; addresses_ /= 2) {
    if (addresses_ < kAddressesLeast) throw std::bad_alloc();
    raw = ::mmap(nullptr, addresses_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw != MAP_FAILED) break;
  }
  budget_.observe(most_resident_bytes(), 0);
  start_ = static_cast<std::uint8_t*>(raw);
  const std::size_t skip = (kHuge - reinterpret_cast<std::uintptr_t>(start_) % kHuge) % kHuge;
  end_ = skip == 0 ? 0 : skip;  // so that what is aligned within is so in memory
}

StateArena::~StateArena() { ::munmap(start_, addresses_); }

bool StateArena::fail(const char* what, int error) {
  if (failure_.what == nullptr) failure_ = {what, error, 0};
  return false;
}

bool StateArena::owns(const void* address) const {
  const auto* at = static_cast<const std::uint8_t*>(address);
  return at >= start_ && at < start_ + end_;
}

bool StateArena::protect(std::uint64_t offset, std::size_t size, int protection) {
  return ::mprotect(start_ + offset, size, protection) == 0 || fail("change the mapping of", errno);
}

// --- addresses ----------------------------------------------------------------------------------

std::optional<std::uint64_t> StateArena::take_range(std::size_t size) {
  const std::uint64_t unit = size >= kHuge ? kHuge : kUnit;
  const auto base = reinterpret_cast<std::uintptr_t>(start_);
  const auto aligned = [&](std::uint64_t offset) { return (base + offset + unit - 1) / unit * unit - base; };
  for (auto at = free_.begin(); at != free_.end(); ++at) {
    const auto [offset, bytes] = *at;
    const std::uint64_t from = aligned(offset);
    if (from + size > offset + bytes) continue;
    free_.erase(at);
    if (from > offset) free_[offset] = from - offset;
    if (from + size < offset + bytes) free_[from + size] = offset + bytes - from - size;
    return from;
  }
  const std::uint64_t from = aligned(end_);
  if (from + size > addresses_) return std::nullopt;
  if (from > end_ && end_ != 0) free_[end_] = from - end_;
  end_ = from + size;
  queue_.grow(end_ / extent_ + 1);
  return from;
}

std::uint8_t* StateArena::allocate(std::size_t asked) {
  const std::size_t size = rounded(asked);
  const auto offset = take_range(size);
  if (!offset) throw std::bad_alloc();
  if (state_bytes() + size > budget_.memory_bytes() / 8) {
    pressed_ = true;
    touch_ordinary();
    if (!measure()) return nullptr;
  }
  const bool fits = state_bytes() + size <= limit_;
  if (!(fits ? make_ordinary(*offset, size) : make_spilled(*offset, size))) return nullptr;
  return start_ + *offset;
}

bool StateArena::make_ordinary(std::uint64_t offset, std::size_t size) {
  void* at = start_ + offset;
  if (::mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
    return fail("get memory for", errno);
  if (size >= kHuge) ::madvise(at, size, MADV_HUGEPAGE);
  if (all_touched_) touch(start_ + offset, size);
  for (std::size_t done = 0; done < size; done += kHuge) ordinary_[offset + done] = std::min(kHuge, size - done);
  ordinary_bytes_ += size;
  return true;
}

bool StateArena::make_spilled(std::uint64_t offset, std::size_t size) {
  if (!open_file()) return false;
  if (const int error = file_.reserve(offset, size); error != 0) return fail("spill", error);
  if (::mmap(start_ + offset, size, PROT_NONE, MAP_SHARED | MAP_FIXED, file_.descriptor(),
             static_cast<off_t>(offset)) == MAP_FAILED) {
    return fail("map", errno);
  }
  for (std::uint64_t at = offset; at < offset + size; at += extent_) {
    queue_.enter(static_cast<ExtentQueue::Extent>(at / extent_));
  }
  return true;
}

// What is counted as a whole has to be there as a whole, or the rest of the process would seem to need less than it
// does. Not where there is little, so that a small table stays small.
void StateArena::touch_ordinary() {
  if (all_touched_) return;
  all_touched_ = true;
  for (const auto& [offset, size] : ordinary_) touch(start_ + offset, size);
}

void StateArena::release(std::uint8_t* start, std::size_t asked) {
  const std::size_t size = rounded(asked);
  const auto offset = static_cast<std::uint64_t>(start - start_);
  ::mmap(start, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  for (auto at = ordinary_.lower_bound(offset); at != ordinary_.end() && at->first < offset + size;) {
    ordinary_bytes_ -= at->second;
    at = ordinary_.erase(at);
  }
  for (std::uint64_t at = offset; at < offset + size; at += extent_) {
    queue_.forget(static_cast<ExtentQueue::Extent>(at / extent_));
  }
  if (file_.is_open()) file_.release(offset, size);
  auto after = free_.lower_bound(offset);
  std::uint64_t from = offset;
  std::uint64_t to = offset + size;
  if (after != free_.end() && after->first == to) {
    to += after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin() && std::prev(after)->first + std::prev(after)->second == from) {
    from = std::prev(after)->first;
  }
  free_[from] = to - from;
}

bool StateArena::take_passing(std::size_t size) {
  if (pressed_ && state_bytes() + size > limit_ / 4) return false;
  passing_ += size;
  return true;
}

// --- to disk and back ---------------------------------------------------------------------------

bool StateArena::open_file() {
  if (file_.is_open()) return true;
  return file_.open(folder_).ok() || fail("make a file for", errno);
}

// The first time: from ordinary memory to the file. Whoever writes to it meanwhile waits for the lock, and then finds
// it on disk.
bool StateArena::spill_one() {
  const auto [offset, size] = *ordinary_.begin();
  if (!open_file() || !protect(offset, size, PROT_READ)) return false;
  if (const int error = file_.write(offset, start_ + offset, size); error != 0) return fail("spill", error);
  if (::mmap(start_ + offset, size, PROT_NONE, MAP_SHARED | MAP_FIXED, file_.descriptor(),
             static_cast<off_t>(offset)) == MAP_FAILED) {
    return fail("map", errno);
  }
  ordinary_.erase(ordinary_.begin());
  ordinary_bytes_ -= size;
  for (std::uint64_t at = offset; at < offset + size; at += extent_) {
    queue_.enter(static_cast<ExtentQueue::Extent>(at / extent_));
  }
  return true;
}

// What was changed is in the file's pages, which are the system's.
bool StateArena::put_out() {
  const auto run = queue_.leave();
  STREAM_CHECK(run.has_value());
  const std::uint64_t offset = std::uint64_t{run->first} * extent_;
  const std::size_t size = run->count * extent_;
  if (!run->rested && !protect(offset, size, PROT_NONE)) return false;
  return ::madvise(start_ + offset, size, MADV_DONTNEED) == 0 || fail("put out", errno);
}

bool StateArena::rest_some() {
  while (const auto run = queue_.rest()) {
    if (!protect(std::uint64_t{run->first} * extent_, run->count * extent_, PROT_NONE)) return false;
  }
  return true;
}

bool StateArena::make_room(std::uint64_t bytes) {
  while (state_bytes() + bytes > limit_) {
    if (!ordinary_.empty()) {
      if (!spill_one()) return false;
    } else if (queue_.in_memory() != 0) {
      if (!put_out()) return false;
    } else {
      return true;  // what passes is left, and that is counted in the limit
    }
  }
  return true;
}

bool StateArena::admit(const void* address) {
  if (!owns(address)) return false;
  const auto offset = static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(address) - start_);
  const auto extent = static_cast<ExtentQueue::Extent>(offset / extent_);
  const ExtentQueue::Place place = queue_.place(extent);
  if (place == ExtentQueue::Place::kActive) return true;  // another thread was first
  if (place == ExtentQueue::Place::kOutside) return false;
  if (++admitted_ >= kAdmissionsPerLook && !look()) return false;
  if (queue_.place(extent) == ExtentQueue::Place::kAway && !make_room(ExtentQueue::kRunMax * extent_)) return false;
  const ExtentQueue::Extent count = queue_.ahead(extent);
  if (!protect(std::uint64_t{extent} * extent_, count * extent_, PROT_READ | PROT_WRITE)) return false;
  for (ExtentQueue::Extent i = 0; i < count; ++i) queue_.admit(extent + i);
  return rest_some();
}

bool StateArena::measure() {
  admitted_ = 0;
  const std::uint64_t resident = resident_bytes();
  budget_.observe(most_resident_bytes(), std::max(state_bytes(), state_at_look_));
  state_at_look_ = state_bytes();
  const auto limit = budget_.state_limit(resident, state_bytes());
  if (!limit) {
    failure_ = {"", 0, budget_.needed(resident, state_bytes())};
    return false;
  }
  limit_ = *limit;
  pressed_ = pressed_ || resident > budget_.memory_bytes() / 2;
  return true;
}

bool StateArena::look() { return measure() && make_room(0); }

}  // namespace stream
