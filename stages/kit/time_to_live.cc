#include "stages/kit/time_to_live.h"

#include <algorithm>

namespace stream {
namespace {

constexpr Microseconds kGrains = 256;

Microseconds difference(Microseconds a, Microseconds b) {
  Microseconds out = 0;
  if (__builtin_sub_overflow(a, b, &out)) return a < b ? INT64_MIN : INT64_MAX;
  return out;
}

}  // namespace

bool read_ttl(const Values& options, const Schema& input, bool by_clock, std::optional<TimeToLive>* ttl,
              PlanError* error) {
  if (!options.has("ttl")) return true;
  ttl->emplace();
  (*ttl)->after = options.duration("ttl");
  if (!by_clock) (*ttl)->time = input.time;
  if ((*ttl)->after > 0) return true;
  *error = {"ttl", 0, "it must be more than nothing", ""};
  return false;
}

void add_touched(TableSpec& table, TimeToLive& ttl, const std::string& name, const Schema& input) {
  table.add_value({name, kTimestamp}, "last touched, by " + (ttl.time ? input.fields[*ttl.time].name : "the clock"));
  ttl.touched = table.columns() - 1;
  table.ordered = name;
}

TouchTimes touch_times(const TimeToLive& ttl, const Batch& batch, Microseconds now) {
  if (!ttl.time) return {nullptr, nullptr, now};
  const auto* times = batch.columns[*ttl.time].values<std::int64_t>();
  return {times, times, now};
}

std::size_t rows_within(const TouchTimes& times, std::size_t begin, std::size_t end, Microseconds span) {
  Microseconds low = INT64_MAX;
  Microseconds high = INT64_MIN;
  for (std::size_t row = begin; row < end; ++row) {
    low = std::min(low, times.first_of(row));
    high = std::max(high, times.last_of(row));
    if (row != begin && difference(high, low) > span) return row;
  }
  return end;
}

IdleRows::IdleRows(const TimeToLive& ttl, StateTable& table)
    : ttl_(ttl), grain_(std::max<Microseconds>(1, ttl.after / kGrains)), table_(table) {}

void IdleRows::touch(Row row, Microseconds time) {
  const Microseconds into = ((time % grain_) + grain_) % grain_;
  const Microseconds grain = difference(time, into);
  const bool known = !table_.is_null(row, ttl_.touched);
  if (known && table_.get<std::int64_t>(row, ttl_.touched) >= grain) return;
  table_.set<std::int64_t>(row, ttl_.touched, grain);
}

// What was touched earlier is forgotten.
Microseconds IdleRows::kept_from(Microseconds time) const {
  return difference(difference(time, ttl_.after), grain_ - 1);
}

std::optional<Microseconds> IdleRows::due() const {
  if (!by_clock()) return std::nullopt;
  if (untimed_) return 0;
  const auto first = table_.first_time();
  return first ? std::optional(*first + ttl_.after + grain_) : std::nullopt;
}

void IdleRows::restored() {
  table_.for_each([&](Row row) { untimed_ = untimed_ || table_.is_null(row, ttl_.touched); });
}

void IdleRows::adopt(Microseconds now) {
  if (!untimed_) return;
  untimed_ = false;
  table_.for_each([&](Row row) {
    if (table_.is_null(row, ttl_.touched)) touch(row, now);
  });
}

}  // namespace stream
