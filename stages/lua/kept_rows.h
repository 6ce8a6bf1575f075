// KeptRows: the values of a script in the rows of one state table, as LuaJIT takes and gives them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/state_table.h"
#include "transport/base/clock.h"

namespace stream {

class KeptRows {
 public:
  // The script's columns are `fields`, behind the table's key; where rows are forgotten with age the column behind
  // them holds when they were written. The table outlives this.
  KeptRows(StateTable& table, std::vector<Field> fields, bool aged);

  StateTable& table() const { return table_; }
  // Finds or makes a row; a new one holds NULLs.
  Row make(std::span<const Cell> key, Microseconds time);
  // It is written at this event time.
  void touch(Row row, Microseconds time) {
    const std::size_t written = shift_ + fields_.size();
    if (aged_ && table_.get<std::int64_t>(row, written) < time) table_.set(row, written, time);
  }

  bool has(Row row, std::size_t column) const { return row && !table_.is_null(row, shift_ + column); }
  // BOOLEAN, DATE, BIGINT, TIMESTAMP.
  std::int64_t integer(Row row, std::size_t column) const {
    switch (fields_[column].type.width()) {
      case 1: return table_.get<std::uint8_t>(row, shift_ + column);
      case 4: return table_.get<std::int32_t>(row, shift_ + column);
      default: return table_.get<std::int64_t>(row, shift_ + column);
    }
  }
  double real(Row row, std::size_t column) const { return table_.get<double>(row, shift_ + column); }
  std::string_view text(Row row, std::size_t column);  // all others; valid until the next
  void put_null(Row row, std::size_t column) { table_.set_null(row, shift_ + column); }
  void put_integer(Row row, std::size_t column, std::int64_t value) {
    switch (fields_[column].type.width()) {
      case 1: return table_.set(row, shift_ + column, static_cast<std::uint8_t>(value));
      case 4: return table_.set(row, shift_ + column, static_cast<std::int32_t>(value));
      default: return table_.set(row, shift_ + column, value);
    }
  }
  void put_real(Row row, std::size_t column, double value) { table_.set(row, shift_ + column, value); }
  // False if the text is no value of the column's type.
  bool put_text(Row row, std::size_t column, std::string_view text);
  void forget_before(Microseconds time) { table_.erase_before(time); }

 private:
  StateTable& table_;
  const std::size_t shift_;
  const std::vector<Field> fields_;
  const bool aged_;
  std::string text_;
};

}  // namespace stream
