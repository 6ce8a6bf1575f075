#include "stages/kit/late_rows.h"

#include "stages/kit/kept_rows.h"
#include "stages/kit/row_text.h"

namespace stream {

Status split_by_time(const Batch& batch, std::size_t time, Microseconds from, std::vector<std::uint32_t>* rows,
                     std::vector<std::uint32_t>* late, Emitter& out) {
  const Column& times = batch.columns[time];
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (!times.valid(row)) {
      const std::string& name = batch.schema->fields[time].name;
      STREAM_TRY(out.bad_record({"time column '" + name + "' is NULL", "", row_text(batch, row)}));
    } else {
      (times.value<std::int64_t>(row) < from ? late : rows)->push_back(row);
    }
  }
  return {};
}

Status drop_timeless(Batch& batch, std::size_t time, Emitter& out) {
  if (!batch.columns[time].has_nulls()) return {};
  return drop_late(batch, time, INT64_MIN, nullptr, 0, out);
}

Status drop_late(Batch& batch, std::size_t time, Microseconds from, const SchemaPtr& late, std::size_t output,
                 Emitter& out) {
  std::vector<std::uint32_t> good;
  std::vector<std::uint32_t> behind;
  STREAM_TRY(split_by_time(batch, time, from, &good, &behind, out));
  if (good.size() == batch.rows) return {};
  STREAM_TRY(emit_late_rows(batch, behind, late, output, out));
  batch = batch.take(good);
  return {};
}

Status emit_late_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& late,
                      std::size_t output, Emitter& out) {
  if (rows.empty()) return {};
  out.late_records(rows.size(), output);
  return emit_kept_rows(batch, rows, late, out, output);
}

}  // namespace stream
