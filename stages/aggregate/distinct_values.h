// DistinctValues: which values of one argument each group has seen, for all DISTINCT calls over that argument. They
// share one state table with a row a value and a BOOLEAN a call: whether the call has counted the value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "transport/record/batch.h"

namespace stream {

struct DistinctCall {
  std::size_t seen = 0;          // its column of the table
  bool all = false;              // it counts every row of the batch
  std::uint8_t* mask = nullptr;  // 1 where it counts a row: afterwards, where it had not seen the row's value
};

class DistinctValues {
 public:
  explicit DistinctValues(StateTable& table) : table_(&table) {}

  // `keys`: the key columns of the table but the value's, which is `values`, a row each. The masks stay where they are
  // until undo() or the next batch.
  void add(std::span<const Column> keys, const Column& values, std::vector<DistinctCall> calls);
  // Takes back what the batch added.
  void undo();

 private:
  void pick_rows(std::size_t rows);
  void mark(const DistinctCall& call, std::size_t begin, std::size_t end);
  std::size_t row(std::size_t i) const { return all_ ? i : picked_[i]; }

  StateTable* table_;
  std::vector<DistinctCall> calls_;
  bool all_ = true;                    // some call counts every row
  std::vector<std::uint32_t> picked_;  // else those that some call counts
  std::vector<std::size_t> key_columns_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> found_;
  std::vector<std::uint8_t> made_;
  std::vector<std::uint8_t> changed_;
};

}  // namespace stream
