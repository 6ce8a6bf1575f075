// RowSet: the different rows of a batch, in the order they come.
#pragma once

#include <bit>
#include <span>
#include <vector>

#include "snapshot/row.h"

namespace stream {

class RowSet {
 public:
  void clear() { rows_.clear(); }
  // Adds those that are not there. Needs clear() before, once a batch.
  void add_all(std::span<const Row> rows) {
    slots_.assign(std::bit_ceil(rows.size() * 2 + 1), nullptr);
    const int shift = 64 - std::countr_zero(slots_.size());
    for (const Row row : rows) {
      std::size_t at = shift == 64 ? 0 : (reinterpret_cast<std::uint64_t>(row.at) * 0x9e3779b97f4a7c15ULL) >> shift;
      while (slots_[at] != nullptr && slots_[at] != row.at) at = (at + 1) & (slots_.size() - 1);
      if (slots_[at] != nullptr) continue;
      slots_[at] = row.at;
      rows_.push_back(row);
    }
  }
  // A row that is known not to be there.
  void add(Row row) { rows_.push_back(row); }
  template <class Drop>
  void drop_if(Drop&& drop) {
    std::erase_if(rows_, drop);
  }

  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<const std::uint8_t*> slots_;
  std::vector<Row> rows_;
};

}  // namespace stream
