// WaitingRows: rows of a stream that wait in a state table until event time has passed them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/kit/ordering.h"
#include "stages/kit/stage.h"
#include "stages/kit/stored_rows.h"

namespace stream {

// The state table: key (by …, number), in order of time.
struct WaitingLayout {
  // `input` has event time; `by`: the columns its rows are spread over instances by.
  WaitingLayout(std::string table, const Schema& input, std::vector<std::size_t> by);

  StateColumnNames names;
  TableSpec spec;
  std::vector<std::size_t> by;
  std::size_t time;  // of the stream
  StoredRows columns;
};

class WaitingRows {
 public:
  WaitingRows(WaitingLayout layout, StateStore& store);

  void add(const Batch& batch, std::span<const std::uint32_t> rows);
  bool any_before(Microseconds until) const;
  // The next rows before `until`, in order of time, then of `order`, which has columns of the stream, then as they
  // came: `most` or more of them, as rows of one time come together.
  void next(Microseconds until, std::size_t most, std::span<const OrderColumn> order, std::vector<Row>* rows) const;
  // The rows were given by next(), from its first one on.
  void erase(std::span<const Row> rows);
  void on_restored();  // numbers go on

  const StateTable& table() const { return table_; }
  std::size_t column(std::size_t of_stream) const { return layout_.columns.column(of_stream); }
  Microseconds time(Row row) const { return table_.get<std::int64_t>(row, time_column_); }

 private:
  Batch numbered(const Batch& batch, std::span<const std::uint32_t> rows);
  void order_ties(std::span<const OrderColumn> order, std::span<Row> rows) const;
  void order_by_keys(std::span<const OrderColumn> order, std::span<Row> rows) const;

  const WaitingLayout layout_;
  StateTable& table_;
  const SchemaPtr key_schema_;
  const std::size_t number_column_;
  const std::size_t time_column_;
  std::int64_t number_ = 0;  // of the next row
};

}  // namespace stream
