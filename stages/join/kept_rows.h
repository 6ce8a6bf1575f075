// KeptRows: the rows of one input of a join, found by what they are joined by.
#pragma once

#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/join/design.h"

namespace stream {

class StateStore;

class KeptRows {
 public:
  // `side` and `store` outlive it.
  KeptRows(const JoinSide& side, StateStore& store);

  // The first kept row for each key, null where there is none. `on`: the batch's columns that hold the key,
  // `hashes` of them.
  void find(const Batch& batch, std::span<const std::size_t> on, std::span<const std::uint64_t> hashes,
            std::span<Row> first) const {
    table_.find_prefix(batch, on, hashes, first);
  }
  Row next(Row row) const { return table_.next_of_prefix(row); }
  // How many equal rows the row stands for.
  std::int64_t copies(Row row) const { return side_.copies == kNone ? 1 : table_.get<std::int64_t>(row, side_.copies); }

  // Keeps the rows at these positions of a batch of the side's schema; `matches[i]` partners has row i of
  // the batch, where the side counts them. `hashes`: of all rows of the batch, as in find().
  void add(const Batch& batch, std::span<const std::uint32_t> rows, std::span<const std::uint64_t> hashes,
           std::span<const std::int64_t> matches);
  // Lets go of the row equal to this one; false if it is not kept.
  bool remove(const Batch& batch, std::uint32_t row);

  std::int64_t matches(Row row) const { return table_.get<std::int64_t>(row, side_.matches); }
  void set_matches(Row row, std::int64_t count) { table_.set<std::int64_t>(row, side_.matches, count); }

  // Column of the side's schema; null rows give NULL.
  Column gather(std::span<const Row> rows, std::size_t column) const {
    return table_.gather(rows, side_.columns[column]);
  }

  // Rows whose time is below `time`, and letting go of them.
  std::size_t scan_before(TimeCursor& cursor, Microseconds time, std::span<Row> out) const {
    return table_.scan_before(cursor, time, out);
  }
  void erase_before(Microseconds time) { table_.erase_before(time); }

  void restored();

 private:
  Batch keys_of(const Batch& batch) const;
  void append(const Batch& batch, std::span<const std::uint64_t> hashes);

  const JoinSide& side_;
  StateTable& table_;
  std::vector<std::size_t> key_columns_;    // 0, 1, … of the table's key
  std::vector<std::size_t> value_columns_;  // of the side's schema, that are no part of the table's key
  std::int64_t sequence_ = 0;
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> rows_;
  std::vector<std::uint8_t> inserted_;
};

}  // namespace stream
