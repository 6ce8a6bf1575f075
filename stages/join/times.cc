// What event time means for a join: late rows, and rows that can be let go.
#include <algorithm>

#include "stages/join/join.h"
#include "stages/kit/late_rows.h"

namespace stream {
namespace {

constexpr std::size_t kExpireRows = 4096;

Microseconds difference(Microseconds a, Microseconds b) {
  Microseconds out = 0;
  if (__builtin_sub_overflow(a, b, &out)) return a < b ? INT64_MIN : INT64_MAX;
  return out;
}

}  // namespace

// Rows with an earlier time find no partner any more.
Microseconds Join::horizon(std::size_t side) const { return difference(watermark_, *design_.sides[side].kept); }

// Late rows go where the design says, rows without a time are bad records. Keeps the others in `batch`.
Status Join::drop_late(std::size_t index, Batch& batch, Emitter& out) {
  const JoinSide& side = design_.sides[index];
  if (!side.kept && !side.late_matters) return {};
  const Microseconds from = side.late_matters ? watermark_ : kNoWatermark;
  return stream::drop_late(batch, *batch.schema->time, from, late_[index], index == 0 ? kLateLeft : kLateRight, out);
}

Microseconds Join::output_watermark(Microseconds watermark) const {
  if (!design_.time || watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  return std::max(difference(watermark, design_.delay), kNoWatermark + 1);
}

Status Join::on_watermark(Microseconds watermark, Emitter& out) {
  if (watermark <= watermark_) return {};
  watermark_ = watermark;
  expiring_ = 0;
  cursor_ = {};
  return expire_some(out);
}

Status Join::expire_some(Emitter& out) {
  while (expiring_ < 2) {
    const JoinSide& side = design_.sides[expiring_];
    // The end of the input says nothing about how old a row is.
    const bool leaves = side.kept && (side.settled || watermark_ != kEndOfTime);
    if (leaves && side.padded && side.settled) {
      STREAM_ASSIGN(const bool all, expire(expiring_, out));
      if (!all) return {};
    }
    if (leaves) kept_[expiring_].erase_before(horizon(expiring_));
    ++expiring_;
    cursor_ = {};
  }
  return {};
}

// Rows that leave without ever having had a partner are results now. False where `out` is full before all
// are out.
Result<bool> Join::expire(std::size_t side, Emitter& out) {
  results_.begin(1 - side, nullptr);
  std::vector<Row> rows(kExpireRows);
  while (!out.full()) {
    const std::size_t count = kept_[side].scan_before(cursor_, horizon(side), rows);
    for (std::size_t i = 0; i < count; ++i) {
      if (kept_[side].matches(rows[i]) == 0) results_.add(JoinedRows::kNoRow, rows[i], false);
    }
    STREAM_TRY(results_.emit(out));
    if (count < kExpireRows) return true;
  }
  return false;
}

}  // namespace stream
