// RowBlock: rows of a RowPack or a table side by side in some order, to be read column by column.
#pragma once

#include <span>
#include <vector>

#include "snapshot/row_pack.h"
#include "transport/record/batch.h"

namespace stream {

class RowBlock {
 public:
  // `count` rows from `begin` on, as they lie in the pack. Layout and pack outlive the block.
  RowBlock(const RowLayout& layout, const RowPack& pack, std::size_t begin, std::size_t count);
  // Copies of the rows at these positions, which are all over the pack: fetched once, together, so
  // that every column reads memory that is near. Long values stay where they are.
  RowBlock(const RowLayout& layout, const RowPack& pack, std::span<const std::uint32_t> positions);

  // Copies of `row_bytes` of these rows of a table: all values, or RowLayout::key_bytes() for the keys alone. Their
  // strings stay where they are.
  RowBlock(const RowLayout& layout, std::span<const Row> rows, std::size_t row_bytes);

  std::size_t rows() const { return count_; }
  Column column(std::size_t column) const;

 private:
  template <class T>
  Column fixed(std::size_t column) const;
  Column variable(std::size_t column) const;
  Buffer validity(std::size_t column) const;
  void note_nulls();
  const std::uint8_t* long_bytes(const StringRef* ref) const {
    return heap_ == nullptr ? reinterpret_cast<const std::uint8_t*>(ref->word()) : heap_ + ref->word();
  }
  void prefetch(const StringRef* ref) const {
    if (!ref->is_inline()) __builtin_prefetch(long_bytes(ref));
  }
  Row row(std::size_t index) const { return {const_cast<std::uint8_t*>(rows_) + index * row_bytes_}; }

  const RowLayout& layout_;
  ByteBuilder copies_;
  const std::uint8_t* rows_;
  const std::uint8_t* heap_;  // what StringRef::word() counts from; null: it is an address
  std::size_t row_bytes_;
  std::size_t count_;
  std::vector<std::uint8_t> flags_;  // of all rows together: where no bit is set, nothing is NULL
};

}  // namespace stream
