#include "snapshot/string_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kLargest = 64 << 10;
// Chunks grow with the heap, but not so far that they get huge pages: those are cleared long before they are written
// to, and are out of the caches again by then.
constexpr std::size_t kChunkMin = 4 << 10;
constexpr std::size_t kChunkMax = 1 << 20;

}  // namespace

// 16, 32, 48, 64, then four sizes per power of two.
std::size_t StringHeap::class_of(std::size_t size) {
  if (size <= 64) return size == 0 ? 0 : (size - 1) / 16;
  const auto power = static_cast<std::size_t>(std::bit_width(size - 1) - 1);
  return 4 + (power - 6) * 4 + ((size - 1 - (std::size_t{1} << power)) >> (power - 2));
}

std::size_t StringHeap::class_bytes(std::size_t index) {
  if (index < 4) return (index + 1) * 16;
  const std::size_t power = 6 + (index - 4) / 4;
  return (std::size_t{1} << power) + (((index - 4) % 4 + 1) << (power - 2));
}

bool StringHeap::same_block(std::size_t from, std::size_t to) {
  return from <= kLargest && to <= kLargest && class_of(from) == class_of(to);
}

char* StringHeap::carve(std::size_t bytes) {
  if (carve_left_ < bytes) {
    const std::size_t chunk = std::clamp<std::size_t>(chunk_bytes_, kChunkMin, kChunkMax);
    chunks_.emplace_back(std::max(bytes, chunk));
    carve_at_ = reinterpret_cast<char*>(chunks_.back().data());
    carve_left_ = chunks_.back().size();
    chunk_bytes_ += carve_left_;
  }
  carve_left_ -= bytes;
  return std::exchange(carve_at_, carve_at_ + bytes);
}

char* StringHeap::allocate(std::size_t size) {
  if (size > kLargest) {
    auto block = std::make_unique_for_overwrite<char[]>(size);
    char* at = block.get();
    large_.emplace(at, std::move(block));
    large_bytes_ += size;
    return at;
  }
  const std::size_t index = class_of(size);
  char* block = free_[index];
  if (block == nullptr) return carve(class_bytes(index));
  std::memcpy(&free_[index], block, sizeof(char*));
  return block;
}

void StringHeap::release(char* block, std::size_t size) {
  if (size > kLargest) {
    large_.erase(block);
    large_bytes_ -= size;
    return;
  }
  const std::size_t index = class_of(size);
  std::memcpy(block, &free_[index], sizeof(char*));
  free_[index] = block;
}

void StringHeap::clear() { *this = StringHeap(); }

}  // namespace stream
