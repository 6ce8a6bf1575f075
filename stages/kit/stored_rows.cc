#include "stages/kit/stored_rows.h"

#include <algorithm>

namespace stream {

StoredRows::StoredRows(const Schema& schema, TableSpec& spec, StateColumnNames& names,
                       std::span<const std::size_t> in_key)
    : key_(spec.key.size()) {
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    const auto key = std::ranges::find(in_key, i);
    columns_.push_back(key != in_key.end() ? static_cast<std::size_t>(key - in_key.begin()) : spec.columns());
    if (key == in_key.end()) spec.add_value({names.add(schema.fields[i].name), schema.fields[i].type}, "");
  }
  if (schema.changelog != Changelog::kUpdates) return;
  kind_ = spec.columns();
  spec.add_value({names.add("kind"), kBigint}, "0 inserted, 1 before, 2 after an update, 3 deleted");
}

void StoredRows::set(StateTable& table, Row to, const Batch& batch, std::size_t row) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] >= key_) table.set_from(to, columns_[i], batch.columns[i], row);
  }
  if (kind_ != 0) table.set(to, kind_, static_cast<std::int64_t>(batch.kind(row)));
}

void StoredRows::append_to(const StateTable& table, Row from, BatchBuilder& builder) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) table.append_to(from, columns_[i], builder.column(i));
  builder.end_row(kind_ != 0 ? static_cast<RowKind>(table.get<std::int64_t>(from, kind_)) : RowKind::kInsert);
}

}  // namespace stream
