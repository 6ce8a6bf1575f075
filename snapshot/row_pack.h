// RowPack: copies of rows outside of their table, packed, long values included.
#pragma once

#include <cstdint>
#include <string_view>

#include "snapshot/row_layout.h"
#include "transport/record/buffer.h"

namespace stream {

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
  ByteBuilder rows_;
  ByteBuilder heap_;  // values longer than kInlineBytes; their StringRef holds the offset
};

}  // namespace stream
