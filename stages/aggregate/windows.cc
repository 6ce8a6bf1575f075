// An aggregate's windows: which rows belong where, which are late, and when results are due.
#include <algorithm>

#include "stages/aggregate/aggregate.h"
#include "stages/kit/row_kinds.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kFireRows = 4096;

Microseconds earlier(Microseconds time, Microseconds by) {
  Microseconds result = 0;
  if (time == kNoWatermark || time == kEndOfTime) return time;
  return __builtin_sub_overflow(time, by, &result) ? kNoWatermark + 1 : result;
}

}  // namespace

Status Aggregate::report_bad_times(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out) {
  const Column& time = batch.columns[design_.time];
  const std::string name = "'" + batch.schema->fields[design_.time].name + "'";
  for (const std::uint32_t row : rows) {
    const std::string reason =
        time.valid(row) ? "time column " + name + " is out of range" : "time column " + name + " is NULL";
    STREAM_TRY(out.bad_record({reason, "", row_text(batch, row)}));
  }
  return {};
}

Status Aggregate::emit_late(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out) {
  if (rows.empty()) return {};
  out.late_records(rows.size(), kLateOutput);
  if (!late_) return {};
  Batch late{late_, rows.size(), {}, kinds_of_kept(batch, rows)};
  for (const Field& field : late_->fields) {
    const auto column = batch.schema->find(field.name);
    STREAM_CHECK(column.has_value());
    late.columns.push_back(batch.columns[*column].take(rows));
  }
  return out.emit(std::move(late), kLateOutput);
}

Status Aggregate::split_by_time(Batch batch, Work* work, Emitter& out) {
  const Column& time = batch.columns[design_.time];
  const auto* times = time.values<std::int64_t>();
  ByteBuilder starts;
  auto* start_of = reinterpret_cast<std::int64_t*>(starts.extend(batch.rows * sizeof(std::int64_t)));
  std::vector<std::uint32_t> bad;
  std::vector<std::uint32_t> late;
  WindowSpan span;
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    start_of[i] = 0;
    if (!time.valid(i) || !TumbleWindows::in_range(times[i])) {
      bad.push_back(i);
      continue;
    }
    if (!span.contains(times[i])) span = design_.windows->of(times[i]);
    start_of[i] = span.start;
    if (span.start < kept_from_) late.push_back(i);
  }
  Column column(kTimestamp, batch.rows, {}, starts.finish());
  if (bad.empty() && late.empty()) {
    *work = {std::move(batch), std::move(column)};
    return {};
  }
  STREAM_TRY(report_bad_times(batch, bad, out));
  STREAM_TRY(emit_late(batch, late, out));
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    if (!std::ranges::binary_search(bad, i) && !std::ranges::binary_search(late, i)) good.push_back(i);
  }
  work->batch = batch.take(good);
  work->starts = column.take(good);
  return {};
}

// Windows that start before this have ended at the watermark.
Microseconds Aggregate::first_open_start(Microseconds watermark) const {
  if (watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  if (!TumbleWindows::in_range(watermark)) return watermark < 0 ? INT64_MIN : INT64_MAX;
  return design_.windows->of(watermark).start;
}

// Results still to come are of windows that are not closed for good, and carry their start.
Microseconds Aggregate::output_watermark(Microseconds watermark) const {
  if (!design_.windowed() || watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  return std::max(first_open_start(earlier(watermark, design_.lateness)), kNoWatermark + 1);
}

Status Aggregate::on_watermark(Microseconds watermark, Emitter& out) {
  if (!design_.windowed() || watermark <= watermark_) return {};
  watermark_ = watermark;
  time_cursor_ = StateTable::time_cursor(open_from_);
  firing_ = true;
  return fire_some(out);
}

Status Aggregate::fire(std::vector<Row>& groups, Emitter& out) {
  if (design_.fired == kNone) return emit_groups(groups, out);
  std::erase_if(groups, [&](Row row) { return table_.get<std::uint8_t>(row, design_.fired) != 0; });
  STREAM_TRY(emit_groups(groups, out));
  for (const Row row : groups) table_.set<std::uint8_t>(row, design_.fired, 1);
  return {};
}

Status Aggregate::fire_some(Emitter& out) {
  const Microseconds until = first_open_start(watermark_);
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

void Aggregate::finish_firing() {
  open_from_ = std::max(open_from_, first_open_start(watermark_));
  kept_from_ = std::max(kept_from_, first_open_start(earlier(watermark_, design_.lateness)));
  table_.erase_before(kept_from_);
  for (StateTable* table : distinct_) table->erase_before(kept_from_);
}

}  // namespace stream
