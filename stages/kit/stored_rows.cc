#include "stages/kit/stored_rows.h"

namespace stream {

StoredRows::StoredRows(const Schema& schema, TableSpec& spec, StateColumnNames& names)
    : first_(spec.columns()), count_(schema.fields.size()), kinds_(schema.changelog == Changelog::kUpdates) {
  for (const Field& field : schema.fields) spec.add_value({names.add(field.name), field.type}, "");
  if (kinds_) spec.add_value({names.add("kind"), kBigint}, "0 inserted, 1 before, 2 after an update, 3 deleted");
}

void StoredRows::set(StateTable& table, Row to, const Batch& batch, std::size_t row) const {
  for (std::size_t i = 0; i < count_; ++i) table.set_from(to, first_ + i, batch.columns[i], row);
  if (kinds_) table.set(to, first_ + count_, static_cast<std::int64_t>(batch.kind(row)));
}

void StoredRows::append_to(const StateTable& table, Row from, BatchBuilder& builder) const {
  for (std::size_t i = 0; i < count_; ++i) table.append_to(from, first_ + i, builder.column(i));
  builder.end_row(kinds_ ? static_cast<RowKind>(table.get<std::int64_t>(from, first_ + count_)) : RowKind::kInsert);
}

}  // namespace stream
