#include "stages/lua/kept_rows.h"

#include "stages/format/print_value.h"
#include "stages/lua/results.h"

namespace stream {

KeptRows::KeptRows(StateTable& table, std::vector<Field> fields, bool aged)
    : table_(table), shift_(table.spec().key.size()), fields_(std::move(fields)), aged_(aged) {}

Row KeptRows::make(std::span<const Cell> key, Microseconds time) {
  const auto [row, inserted] = table_.upsert(key);
  if (!inserted) return row;
  for (std::size_t i = 0; i < fields_.size(); ++i) table_.set_null(row, shift_ + i);
  if (aged_) table_.set(row, shift_ + fields_.size(), time);
  return row;
}

std::string_view KeptRows::text(Row row, std::size_t column) {
  if (fields_[column].type.variable()) return table_.bytes(row, shift_ + column);
  const Column one = table_.gather({&row, 1}, shift_ + column);
  text_.resize(format::printed_size(one, 0));
  const char* const end = format::print_value(text_.data(), one, 0);
  text_.resize(static_cast<std::size_t>(end - text_.data()));
  return text_;
}

bool KeptRows::put_text(Row row, std::size_t column, std::string_view text) {
  ColumnBuilder one(fields_[column].type);
  if (!append_text(text, one)) return false;
  table_.set_from(row, shift_ + column, one.finish(), 0);
  return true;
}

}  // namespace stream
