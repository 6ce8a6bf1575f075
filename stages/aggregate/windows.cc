// Tumbling windows: when results are due.
#include <algorithm>

#include "stages/aggregate/aggregate.h"

namespace stream {
namespace {

constexpr std::size_t kFireRows = 4096;

}  // namespace

// Results still to come are of windows that are not closed for good, and carry their start.
Microseconds Aggregate::output_watermark(Microseconds watermark) const {
  if (!design_.windowed() || watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  return std::max(design_.slices->open_from(earlier(watermark, design_.lateness)), kNoWatermark + 1);
}

Status Aggregate::on_watermark(Microseconds watermark, Emitter& out) {
  if (!design_.windowed()) return AggregateOperator::on_watermark(watermark, out);
  if (watermark <= watermark_) return {};
  watermark_ = watermark;
  time_cursor_ = StateTable::time_cursor(open_from_);
  firing_ = true;
  return fire_some(out);
}

Status Aggregate::fire(std::vector<Row>& groups, Emitter& out) {
  if (design_.fired != kNone)
    std::erase_if(groups, [&](Row row) { return !alive(row) || table_.get<std::uint8_t>(row, design_.fired) != 0; });
  if (results_) STREAM_TRY(emit_groups(*results_, groups, out));
  if (design_.fired == kNone) return {};
  for (const Row row : groups) table_.set<std::uint8_t>(row, design_.fired, 1);
  return {};
}

Status Aggregate::fire_some(Emitter& out) {
  const Microseconds until = design_.slices->open_from(watermark_);
  std::vector<Row> groups;
  while (firing_ && !out.full()) {
    groups.resize(kFireRows);
    const std::size_t count = table_.scan_before(time_cursor_, until, groups);
    firing_ = count == kFireRows;
    groups.resize(count);
    STREAM_TRY(fire(groups, out));
  }
  if (!firing_) finish_firing();
  return {};
}

Status Aggregate::emit_open(OpenGroups& open, Emitter& out) {
  std::vector<Row> groups(kFireRows);
  groups.resize(table_.scan(open.rows, groups));
  open.done = groups.size() < kFireRows;
  std::erase_if(groups, [&](Row row) {
    if (design_.fired != kNone && table_.get<std::uint8_t>(row, design_.fired) != 0) return true;
    return table_.get<std::int64_t>(row, design_.window_start()) < open_from_;
  });
  return emit_groups(*results_, groups, out);
}

void Aggregate::finish_firing() {
  open_from_ = std::max(open_from_, design_.slices->open_from(watermark_));
  kept_from_ = std::max(kept_from_, design_.slices->open_from(earlier(watermark_, design_.lateness)));
  table_.erase_before(kept_from_);
  for (StateTable* table : distinct_) table->erase_before(kept_from_);
}

}  // namespace stream
