#include "stages/aggregate/emission.h"

#include <algorithm>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kEmitRows = 16'384;

}  // namespace

std::vector<Batch> picked_rows(const SchemaPtr& schema, const Computed& before, const Computed& after,
                               const Picks& chosen) {
  std::vector<Batch> batches;
  const std::span<const std::uint32_t> picks = chosen.rows();
  const std::uint8_t* kinds = chosen.kinds();
  // 2 * kEmitRows is even, but an insertion may shift pairs: never end between the two of one.
  for (std::size_t begin = 0; begin < picks.size();) {
    std::size_t end = std::min(picks.size(), begin + 2 * kEmitRows);
    if (end < picks.size() && kinds[end] == static_cast<std::uint8_t>(RowKind::kUpdateAfter)) --end;
    const auto part = picks.subspan(begin, end - begin);
    Batch& batch = batches.emplace_back(Batch{schema, part.size(), {}, {}});
    for (std::size_t c = 0; c < after.columns.size(); ++c) {
      batch.columns.push_back(pick(before.columns[c], after.columns[c], part));
    }
    ByteBuilder part_kinds;
    part_kinds.append(kinds + begin, part.size());
    batch.kinds = part_kinds.finish();
    begin = end;
  }
  return batches;
}

Status emit_picked(const Results& results, const Computed& before, const Computed& after, const Picks& picks,
                   Emitter& out) {
  for (Batch& batch : picked_rows(results.schema(), before, after, picks)) STREAM_TRY(out.emit(std::move(batch)));
  return {};
}

Status report_failed(const Results& results, const Computed& computed, std::size_t rows, Emitter& out) {
  if (computed.errors.empty()) return {};
  return report_row_errors({results.schema(), rows, computed.columns, {}}, computed.errors, out);
}

Status emit_groups(const Results& results, std::vector<Row>& groups, Emitter& out, WindowSpan window) {
  std::erase_if(groups, [&](Row row) { return !results.alive(row); });
  if (groups.empty()) return {};
  Computed computed = results.compute(groups, window);
  STREAM_TRY(report_failed(results, computed, groups.size(), out));
  Batch batch{results.schema(), groups.size(), std::move(computed.columns), {}};
  if (computed.failed.empty()) return out.emit(std::move(batch));
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    if (computed.failed[i] == 0) good.push_back(i);
  }
  return good.empty() ? Status() : out.emit(batch.take(good));
}

}  // namespace stream
