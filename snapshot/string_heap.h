// StringHeap: memory for long values in blocks of few sizes, so that freed blocks are used again
// at once and nothing ever has to be moved.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "snapshot/page_memory.h"

namespace stream {

class StringHeap {
 public:
  // At least `size` bytes; release() with the same size.
  char* allocate(std::size_t size);
  void release(char* block, std::size_t size);
  // True if a value of `to` bytes fits the block of a value of `from` bytes without waste.
  static bool same_block(std::size_t from, std::size_t to);
  void clear();
  std::size_t size_bytes() const { return chunk_bytes_ + large_bytes_; }

 private:
  static constexpr std::size_t kClasses = 48;
  static std::size_t class_of(std::size_t size);
  static std::size_t class_bytes(std::size_t index);
  char* carve(std::size_t bytes);

  std::array<char*, kClasses> free_{};  // first free block of a class; each starts with the next
  std::vector<PageMemory> chunks_;
  std::unordered_map<char*, std::unique_ptr<char[]>> large_;  // blocks above the largest class
  char* carve_at_ = nullptr;
  std::size_t carve_left_ = 0;
  std::size_t chunk_bytes_ = 0;
  std::size_t large_bytes_ = 0;
};

}  // namespace stream
