#include "snapshot/page_memory.h"

#include <sys/mman.h>

#include <new>

#include "snapshot/state_memory.h"

namespace stream {
namespace {

constexpr std::size_t kHuge = 2 << 20;

// Maps more and gives back what lies outside of the aligned part.
std::uint8_t* map_aligned(std::size_t size) {
  void* raw = ::mmap(nullptr, size + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  auto* start = static_cast<std::uint8_t*>(raw);
  const std::size_t skip = (kHuge - reinterpret_cast<std::uintptr_t>(start) % kHuge) % kHuge;
  if (skip != 0) ::munmap(start, skip);
  ::munmap(start + skip + size, kHuge - skip);
  ::madvise(start + skip, size, MADV_HUGEPAGE);
  return start + skip;
}

}  // namespace

PageMemory::PageMemory(std::size_t size) : size_((size + 4095) / 4096 * 4096) {
  if (size_ >= kHuge) size_ = (size_ + kHuge - 1) / kHuge * kHuge;
  data_ = StateMemory::allocate(size_);
  if (data_ != nullptr) return;
  if (size_ >= kHuge) {
    data_ = map_aligned(size_);
    return;
  }
  void* raw = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::uint8_t*>(raw);
}

PageMemory::~PageMemory() {
  if (data_ != nullptr && !StateMemory::release(data_, size_)) ::munmap(data_, size_);
}

}  // namespace stream
