// How a StateTable compares and stores keys: one class per kind of lookup, inlined into its loops.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include "snapshot/state_table.h"

namespace stream {

// Equal keys have equal bits: -0 is +0 and there is one NaN, as in the key encoding.
inline double canonical_double(double value) {
  if (value == 0) return 0;
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

// Keys of any types: rows of a batch against the leading columns of the table.
class StateTable::KeyEqual {
 public:
  // Row i of what follows is row begin + i of the batch.
  KeyEqual(const StateTable& table, const Batch& batch, std::span<const std::size_t> columns, std::size_t begin = 0)
      : table_(table), batch_(batch), columns_(columns), begin_(begin) {}

  bool operator()(std::size_t i, Row row) const {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (!equal(batch_.columns[columns_[k]], begin_ + i, row, k)) return false;
    }
    return true;
  }

  void fill(StateTable& table, std::size_t i, Row row) const {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      table.store_key(row, k, batch_.columns[columns_[k]], begin_ + i);
    }
  }

 private:
  bool equal(const Column& column, std::size_t i, Row row, std::size_t k) const {
    const bool null = table_.layout_.is_null(row, k);
    if (column.valid(i) == null) return false;
    if (null) return true;
    const std::uint8_t* at = row.at + table_.layout_.offset(k);
    switch (column.type().width()) {
      case 0: return table_.layout_.bytes(row, k) == column.bytes(i);
      case 1: return *at == column.value<std::uint8_t>(i);
      case 4: return std::memcmp(at, column.values<std::int32_t>() + i, 4) == 0;
      case 8: return equal_eight(column, i, at);
      default: return std::memcmp(at, column.values_buffer().data() + i * 16, 16) == 0;
    }
  }
  static bool equal_eight(const Column& column, std::size_t i, const std::uint8_t* at) {
    if (column.type().kind != TypeKind::kDouble) return std::memcmp(at, column.values<std::int64_t>() + i, 8) == 0;
    const double value = canonical_double(column.value<double>(i));
    return std::memcmp(at, &value, 8) == 0;
  }

  const StateTable& table_;
  const Batch& batch_;
  std::span<const std::size_t> columns_;
  std::size_t begin_;
};

// One BIGINT or TIMESTAMP key without NULLs in the batch: the common case.
class StateTable::IntegerEqual {
 public:
  IntegerEqual(const StateTable& table, const Column& column, std::size_t begin)
      : values_(column.values<std::int64_t>() + begin), offset_(table.layout_.offset(0)) {}

  bool operator()(std::size_t i, Row row) const {
    std::int64_t value;
    std::memcpy(&value, row.at + offset_, sizeof value);
    return value == values_[i] && !RowLayout::first_is_null(row);
  }

  void fill(StateTable& /*table*/, std::size_t i, Row row) const {
    std::memcpy(row.at + offset_, values_ + i, sizeof(std::int64_t));
  }

 private:
  const std::int64_t* values_;
  std::size_t offset_;
};

// What the row of this id is put in front of, in the list of its prefix; `same` finds that list.
template <class Same>
void StateTable::link_prefix(Row row, std::uint32_t id, std::uint64_t hash, const Same& same) {
  const std::size_t position = prefix_slots_.locate(hash, same);
  const std::uint32_t head = prefix_slots_.at(position);
  *layout_.prefix_links(row) = {{kNoRow, head}, static_cast<std::uint32_t>(hash), id};
  if (head == kNoRow) return prefix_slots_.put(position, hash, id);
  layout_.prefix_links(pages_.row(head))->previous = id;
  prefix_slots_.replace(position, id);
}

}  // namespace stream
