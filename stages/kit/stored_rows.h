// StoredRows: rows of a stream as they are kept in a state table, column by column.
#pragma once

#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/state_names.h"
#include "transport/record/batch.h"

namespace stream {

class StoredRows {
 public:
  // Adds a value column to the table for each column of the stream, and one for the kind of a row where rows may be
  // taken back. `in_key`: the columns that the table's key begins with; they are not kept twice.
  StoredRows(const Schema& schema, TableSpec& spec, StateColumnNames& names, std::span<const std::size_t> in_key = {});

  // `batch` has the columns of the stream, in their order.
  void set(StateTable& table, Row to, const Batch& batch, std::size_t row) const;
  // `builder` likewise.
  void append_to(const StateTable& table, Row from, BatchBuilder& builder) const;

  // The table's column that holds this one of the stream.
  std::size_t column(std::size_t of_stream) const { return columns_[of_stream]; }

 private:
  std::vector<std::size_t> columns_;  // of the table
  std::size_t key_ = 0;               // columns of its key
  std::size_t kind_ = 0;              // column of the table; 0 = none
};

}  // namespace stream
