// Groups that are forgotten when no row has touched them for a while.
#include <algorithm>

#include "stages/kit/late_rows.h"
#include "stages/top-n/top_n.h"

namespace stream {

// Goes on with rows that lie so close that a group can be forgotten before them, but not between them.
Status TopN::split_by_touch(Batch batch, Emitter& out) {
  clock_now_ = std::max(clock_now_, clock_.wall_us());
  if (!idle_->by_clock()) STREAM_TRY(drop_timeless(batch, *design_.ttl->time, out));
  for (std::size_t begin = 0; begin < batch.rows;) {
    const TouchTimes times = touch_times(*design_.ttl, batch, clock_now_);
    const std::size_t end = rows_within(times, begin, batch.rows, idle_->after());
    if (begin == 0 && end == batch.rows) return rank(std::move(batch), out);
    STREAM_TRY(rank(batch.slice(begin, end), out));
    begin = end;
  }
  return {};
}

// Before what is kept of the groups is read.
void TopN::touch_groups() {
  std::vector<Row> ages(groups_.count());
  std::vector<std::uint8_t> made(groups_.count());
  ages_->upsert(groups_.keys(batch_, by_), by_, groups_.hashes(), ages, made);
  const TouchTimes times = touch_times(*design_.ttl, batch_, clock_now_);
  for (std::uint32_t row = 0; row < batch_.rows; ++row) {
    const Row age = ages[groups_.of(row)];
    if (idle_->idle(age, times.first_of(row))) forget(age);
    idle_->touch(age, times.last_of(row));
  }
}

// All rows of the group; its age is not touched.
void TopN::forget(Row age) {
  std::vector<Cell> key;
  for (std::size_t column = 0; column < design_.ages.key.size(); ++column) key.push_back(ages_->cell(age, column));
  std::vector<Row> rows;
  for (Row row = table_.find_prefix(key); row; row = table_.next_of_prefix(row)) rows.push_back(row);
  for (const Row row : rows) table_.erase(row);
}

void TopN::expire(Microseconds now) {
  idle_->expire(now, [&](Row age) { forget(age); });
}

Status TopN::on_time(Microseconds now, Emitter& /*out*/) {
  if (idle_) expire(now);
  return {};
}

// Groups kept from before there was a time to live get an age.
void TopN::find_ages() {
  std::vector<Cell> key(design_.ages.key.size());
  if (ages_->rows() == 0) {
    table_.for_each([&](Row row) {
      for (std::size_t column = 0; column < key.size(); ++column) key[column] = table_.cell(row, column);
      ages_->upsert(key);
    });
  }
  idle_->restored();
}

}  // namespace stream
