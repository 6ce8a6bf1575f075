#include "stages/kit/kept_rows.h"

#include "stages/kit/row_kinds.h"

namespace stream {

Status emit_kept_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& schema, Emitter& out,
                      std::size_t output) {
  if (rows.empty() || !schema) return {};
  const bool all = rows.size() == batch.rows;
  Batch kept{schema, rows.size(), {}, kinds_of_kept(batch, rows)};
  for (const Field& field : schema->fields) {
    const auto column = batch.schema->find(field.name);
    STREAM_CHECK(column.has_value());
    kept.columns.push_back(all ? batch.columns[*column] : batch.columns[*column].take(rows));
  }
  return out.emit(std::move(kept), output);
}

}  // namespace stream
