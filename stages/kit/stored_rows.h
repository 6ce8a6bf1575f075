// StoredRows: rows of a stream as they are kept in a state table, column by column.
#pragma once

#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/state_names.h"
#include "transport/record/batch.h"

namespace stream {

class StoredRows {
 public:
  // Adds a value column to the table for each column of the stream, and one for the kind of a row where rows may be
  // taken back.
  StoredRows(const Schema& schema, TableSpec& spec, StateColumnNames& names);

  // `batch` has the columns of the stream, in their order.
  void set(StateTable& table, Row to, const Batch& batch, std::size_t row) const;
  // `builder` likewise.
  void append_to(const StateTable& table, Row from, BatchBuilder& builder) const;

  // The table's column that holds this one of the stream.
  std::size_t column(std::size_t of_stream) const { return first_ + of_stream; }

 private:
  std::size_t first_ = 0;  // column of the table
  std::size_t count_ = 0;
  bool kinds_ = false;
};

}  // namespace stream
