// RowPack: copies of rows outside of their table, packed, long values included.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "snapshot/row_layout.h"
#include "transport/record/batch.h"

namespace stream {

class RowPack {
 public:
  bool empty() const { return count_ == 0; }
  std::size_t rows() const { return count_; }
  std::size_t size_bytes() const { return rows_.size() + heap_.size(); }

  // `keys_only`: the key columns alone, for tombstones; the same for every row of a pack.
  void append(const RowLayout& layout, Row row, bool keys_only);
  void reserve(const RowLayout& layout, std::size_t rows, bool keys_only);

  // Column `column` of the rows in the given order.
  Column column(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const;

 private:
  template <class T>
  Column fixed(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const;
  Column variable(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const;
  Buffer validity(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const;
  Row row(std::size_t index) const { return {const_cast<std::uint8_t*>(rows_.data()) + index * row_bytes_}; }

  std::size_t row_bytes_ = 0;
  std::size_t count_ = 0;
  ByteBuilder rows_;
  ByteBuilder heap_;  // values longer than kInlineBytes; their StringRef holds the offset
};

}  // namespace stream
