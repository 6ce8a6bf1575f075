// Groups that are forgotten when no row has touched them for a while.
#include <numeric>
#include <unordered_set>

#include "stages/aggregate/operator.h"
#include "stages/kit/late_rows.h"

namespace stream {

TouchTimes AggregateOperator::touch_times_of(const Batch& batch) const {
  const bool many = design_.ttl->time && partial(batch);
  return many ? partial_->touch_times(batch) : touch_times(*design_.ttl, batch, now_);
}

// Goes on with rows that lie so close that a group can be forgotten before them, but not between them.
Status AggregateOperator::split_by_touch(Batch batch, Emitter& out) {
  if (!idle_ || batch.rows == 0) return on_rows(std::move(batch), out);
  if (idle_->by_clock()) {
    now_ = std::max(now_, clock_.wall_us());
  } else if (!partial(batch)) {
    STREAM_TRY(drop_timeless(batch, *design_.ttl->time, out));
  }
  for (std::size_t begin = 0; begin < batch.rows;) {
    const std::size_t end = rows_within(touch_times_of(batch), begin, batch.rows, idle_->after());
    if (begin == 0 && end == batch.rows) return on_rows(std::move(batch), out);
    STREAM_TRY(on_rows(batch.slice(begin, end), out));
    begin = end;
  }
  return {};
}

bool AggregateOperator::taken_back(const Batch& batch, std::size_t row) const {
  if (!design_.retracts) return false;
  const RowKind kind = batch.kind(row);
  return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
}

// A group that begins anew is one that its row made.
std::vector<std::uint32_t> AggregateOperator::touch_groups(const Batch& batch) {
  const TouchTimes times = touch_times_of(batch);
  std::unordered_set<const std::uint8_t*> unknown;  // groups that have no row yet
  std::vector<std::uint32_t> known;
  known.reserve(rows_.size());
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    const Row group = rows_[i];
    if (inserted_[i] == 0 && idle_->idle(group, times.first_of(i))) {
      erase_values(group);
      table_.renew(group);
      inserted_[i] = 1;
    }
    idle_->touch(group, times.last_of(i));
    const bool begins = inserted_[i] != 0 || (!unknown.empty() && unknown.contains(group.at));
    if (begins && taken_back(batch, i)) {
      unknown.insert(group.at);
      continue;
    }
    if (begins) unknown.erase(group.at);
    known.push_back(i);
  }
  return known;
}

void AggregateOperator::erase_values(Row group) {
  for (StateTable* values : distinct_) {
    for (const Row row : values_of_group(design_, table_, group, *values)) values->erase(row);
  }
}

void AggregateOperator::expire(Microseconds now) {
  idle_->expire(now, [&](Row group) { erase_values(group); });
}

Status AggregateOperator::on_watermark(Microseconds watermark, Emitter& /*out*/) {
  if (idle_ && !idle_->by_clock()) expire(watermark);
  return {};
}

Status AggregateOperator::on_time(Microseconds now, Emitter& /*out*/) {
  if (idle_) expire(now);
  return {};
}

}  // namespace stream
