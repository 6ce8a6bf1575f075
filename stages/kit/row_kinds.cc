#include "stages/kit/row_kinds.h"

namespace stream {

Buffer kinds_of_kept(const Batch& batch, std::span<const std::uint32_t> rows) {
  if (batch.kinds.empty()) return {};
  ByteBuilder kinds;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    RowKind kind = batch.kind(rows[i]);
    const bool pair_behind = i + 1 < rows.size() && rows[i + 1] == rows[i] + 1;
    const bool pair_before = i > 0 && rows[i - 1] + 1 == rows[i];
    if (kind == RowKind::kUpdateBefore && !pair_behind) kind = RowKind::kDelete;
    if (kind == RowKind::kUpdateAfter && !(pair_before && batch.kind(rows[i - 1]) == RowKind::kUpdateBefore)) {
      kind = RowKind::kInsert;
    }
    kinds.append_value(kind);
  }
  return kinds.finish();
}

}  // namespace stream
