// RowPack: copies of rows outside of their table, packed, long values included.
#pragma once

#include <cstdint>
#include <string_view>

#include "snapshot/row_layout.h"
#include "snapshot/state_memory.h"

namespace stream {

// Bytes that grow, and can be spilled as they pass.
class PackedBytes {
 public:
  std::size_t size() const { return size_; }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(bytes_.get()); }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  // `count` bytes more, whose content is not set.
  std::uint8_t* extend(std::size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    size_ += count;
    return reinterpret_cast<std::uint8_t*>(bytes_.get()) + size_ - count;
  }

 private:
  void grow(std::size_t at_least);

  StateBytes bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class RowPack {
 public:
  bool empty() const { return count_ == 0; }
  std::size_t rows() const { return count_; }
  std::size_t size_bytes() const { return rows_.size() + heap_.size(); }

  // `keys_only`: the key columns alone, for tombstones; the same for every row of a pack.
  void append(const RowLayout& layout, Row row, bool keys_only);
  void reserve(const RowLayout& layout, std::size_t rows, bool keys_only);

 private:
  friend class RowBlock;  // reads it column by column

  std::size_t row_bytes_ = 0;
  std::size_t count_ = 0;
  PackedBytes rows_;
  PackedBytes heap_;  // values longer than kInlineBytes; their StringRef holds the offset
};

}  // namespace stream
