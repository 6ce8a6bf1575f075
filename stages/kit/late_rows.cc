#include "stages/kit/late_rows.h"

#include "stages/kit/kept_rows.h"

namespace stream {

Status emit_late_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& late,
                      std::size_t output, Emitter& out) {
  if (rows.empty()) return {};
  out.late_records(rows.size(), output);
  return emit_kept_rows(batch, rows, late, out, output);
}

}  // namespace stream
