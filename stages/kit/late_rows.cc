#include "stages/kit/late_rows.h"

#include "stages/kit/row_kinds.h"

namespace stream {

Status emit_late_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& late,
                      std::size_t output, Emitter& out) {
  if (rows.empty()) return {};
  out.late_records(rows.size(), output);
  if (!late) return {};
  Batch emitted{late, rows.size(), {}, kinds_of_kept(batch, rows)};
  for (const Field& field : late->fields) {
    const auto column = batch.schema->find(field.name);
    STREAM_CHECK(column.has_value());
    emitted.columns.push_back(batch.columns[*column].take(rows));
  }
  return out.emit(std::move(emitted), output);
}

}  // namespace stream
