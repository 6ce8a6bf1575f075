// RowPages: memory for rows of one size at stable addresses, known by 32-bit ids.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "snapshot/page_memory.h"
#include "snapshot/row.h"
#include "snapshot/row_layout.h"
#include "snapshot/state_memory.h"

namespace stream {

class RowPages {
 public:
  explicit RowPages(std::size_t row_bytes);

  // A row whose bytes are whatever they were, except that a row of fresh memory is zero.
  std::uint32_t allocate() {
    if (!free_.empty()) {
      const std::uint32_t id = free_.back();
      free_.pop_back();
      return id;
    }
    return allocate_fresh();
  }
  // The same, from memory that no row has had before.
  std::uint32_t allocate_fresh() {
    if (end_ == capacity_) grow();
    return end_++;
  }
  void release(std::uint32_t id) { free_.push_back(id); }

  Row row(std::uint32_t id) const {
    if (id == kNoRow) return {};
    return {pages_[id >> shift_] + std::size_t{id & mask_} * row_bytes_};
  }
  // A copy of what row() needs, good until the next allocate().
  struct View {
    std::uint8_t* const* pages;
    std::size_t row_bytes;
    std::uint32_t shift;
    std::uint32_t mask;
    Row row(std::uint32_t id) const { return {pages[id >> shift] + std::size_t{id & mask} * row_bytes}; }
  };
  View view() const { return {pages_.data(), row_bytes_, shift_, mask_}; }

  // Ids are below end(); some of them are free.
  std::uint32_t end() const { return end_; }
  void clear();
  std::size_t size_bytes() const;

 private:
  void grow();

  std::size_t row_bytes_;
  std::uint32_t shift_;
  std::uint32_t mask_;
  std::uint32_t end_ = 0;
  std::uint32_t capacity_ = 0;
  std::vector<std::uint8_t*> pages_;  // each 2^shift_ rows
  std::vector<PageMemory> blocks_;    // one or more pages each
  std::vector<std::uint32_t, StateAllocator<std::uint32_t>> free_;
};

}  // namespace stream
