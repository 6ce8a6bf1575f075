#include "stages/aggregate/combiner.h"

#include <algorithm>
#include <numeric>

#include "stages/aggregate/partial.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kGroups = 4096;
constexpr std::size_t kBytes = 16 << 20;  // of long values and sketches
constexpr Microseconds kKeepFor = 20'000;
constexpr std::size_t kWorthRows = 2;        // fewer rows a group are not worth it
constexpr std::size_t kPassFirst = 1 << 17;  // then so many rows go by, and twice as many each time …
constexpr std::size_t kPassMost = 1 << 22;   // … up to so many

}  // namespace

Combiner::Combiner(const AggregateDesign& partial, const Schema& input, SchemaPtr output, const Clock& clock)
    : design_(partial),
      output_(std::move(output)),
      clock_(clock),
      table_(design_.table, false),
      accumulators_(design_, table_, {}),
      pass_next_(kPassFirst),
      key_columns_(design_.table.key.size()) {
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
  if (!output_) return;
  for (const Field& field : output_->fields) origins_.push_back(origin_of(field, input));
}

Combiner::Origin Combiner::origin_of(const Field& field, const Schema& input) const {
  Origin origin;
  if (const auto column = input.find(field.name)) origin.whole = *column;
  for (std::size_t i = 0; i < design_.by.size(); ++i) {
    if (design_.by[i] == origin.whole) origin.group = i;
  }
  if (origin.group == kNone && windowed() && origin.whole == design_.time) origin.group = design_.window_start();
  if (origin.whole != kNone) return origin;
  const std::vector<Field> added = partial_fields(design_);
  const auto at = std::ranges::find(added, field.name, &Field::name);
  STREAM_CHECK(at != added.end());
  origin.group = design_.table.key.size() + static_cast<std::size_t>(at - added.begin());
  return origin;
}

// --- rows ---------------------------------------------------------------------------------------

Status Combiner::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (!output_) return {};
  if (pass_ == 0) return add(std::move(batch), out);
  pass_ -= std::min(pass_, batch.rows);
  return send(batch, out);
}

Status Combiner::add(Batch batch, Emitter& out) {
  STREAM_TRY(forgets() ? send_timeless(&batch, out) : send_behind_time(&batch, out));
  STREAM_TRY(send_failed(&batch, out));
  for (std::size_t begin = 0; begin < batch.rows;) {
    const std::size_t end = close_rows(batch, begin);
    if (end != begin) {
      // Computed again of these alone.
      const Batch part = batch.slice(begin, end);
      if (begin != 0 || end != batch.rows) accumulators_.evaluate(part, &errors_);
      STREAM_TRY(add_good(part, out));
      begin = end;
    } else {
      STREAM_TRY(flush(out));
    }
  }
  return {};
}

Status Combiner::add_good(const Batch& batch, Emitter& out) {
  if (!accumulate(batch)) {
    // Which row leaves the range depends on what stands behind the hop.
    STREAM_TRY(flush(out));
    return send(batch, out);
  }
  if (forgets()) touch(batch);
  if (!due_) due_ = clock_.wall_us() + kKeepFor;
  rows_kept_ += batch.rows;
  return table_.rows() >= kGroups || table_.size_bytes() >= kBytes ? flush(out) : Status();
}

// Where the rows end that can be kept beside what is: one that stands for rows that lie further apart could hide that
// its group was forgotten between them.
std::size_t Combiner::close_rows(const Batch& batch, std::size_t begin) {
  if (!forgets()) return batch.rows;
  const TouchTimes times = touch_times(*design_.ttl, batch, 0);
  const Microseconds span = design_.ttl->after;
  std::size_t end = begin;
  for (; end < batch.rows; ++end) {
    const Microseconds first = std::min(touched_first_, times.first_of(end));
    const Microseconds last = std::max(touched_last_, times.last_of(end));
    if (first != last &&
        static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) > static_cast<std::uint64_t>(span))
      break;
    touched_first_ = first;
    touched_last_ = last;
  }
  return end;
}

// Says when the rows added last touch their groups. Only of the first that comes can it be that its group is forgotten.
void Combiner::touch(const Batch& batch) {
  const TouchTimes times = touch_times(*design_.ttl, batch, 0);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    auto* first = table_.at<std::int64_t>(rows_[i], design_.touched_first);
    auto* last = table_.at<std::int64_t>(rows_[i], design_.touched_last);
    const bool begins = inserted_[i] != 0;
    if (begins) *first = times.first_of(i);
    *last = begins ? times.last_of(i) : std::max(*last, times.last_of(i));
  }
}

// A row whose first window has ended may be late behind the hop, or has a time that is bad.
Status Combiner::send_behind_time(Batch* batch, Emitter& out) {
  if (!windowed()) return {};
  const Column& time = batch->columns[design_.time];
  const auto* times = time.values<std::int64_t>();
  ColumnBuilder starts(kTimestamp, batch->rows);
  std::vector<std::uint32_t> good;
  std::vector<std::uint32_t> others;
  WindowSpan span;
  bool open = false;
  Microseconds first = INT64_MAX;
  for (std::uint32_t i = 0; i < batch->rows; ++i) {
    const bool known = time.valid(i) && TumbleWindows::in_range(times[i]);
    if (known && !span.contains(times[i])) {
      span = design_.slices->slice_of(times[i]);
      open = design_.slices->next_end(span.start) > watermark_;
    }
    if (!known || !open) {
      others.push_back(i);
      continue;
    }
    good.push_back(i);
    starts.append(span.start);
    first = std::min(first, span.start);
  }
  starts_ = starts.finish();
  if (!good.empty()) first_start_ = rows_kept_ == 0 ? first : std::min(first_start_, first);
  if (others.empty()) return {};
  STREAM_TRY(send(batch->take(others), out));
  *batch = batch->take(good);
  return {};
}

// Rows that touch nothing are bad behind the hop.
Status Combiner::send_timeless(Batch* batch, Emitter& out) {
  const Column& time = batch->columns[*design_.ttl->time];
  if (!time.has_nulls()) return {};
  std::vector<std::uint32_t> good;
  std::vector<std::uint32_t> others;
  for (std::uint32_t i = 0; i < batch->rows; ++i) (time.valid(i) ? good : others).push_back(i);
  STREAM_TRY(send(batch->take(others), out));
  *batch = batch->take(good);
  return {};
}

Status Combiner::send_failed(Batch* batch, Emitter& out) {
  while (true) {
    errors_.clear();
    accumulators_.evaluate(*batch, &errors_);
    if (errors_.empty()) return {};
    std::vector<std::uint32_t> failed;
    for (const RowError& error : errors_) failed.push_back(error.row);
    STREAM_TRY(send(batch->take(failed), out));
    const std::vector<std::uint32_t> good = rows_without(errors_, batch->rows);
    if (windowed()) starts_ = starts_.take(good);
    *batch = batch->take(good);
  }
}

void Combiner::find_groups(const Batch& batch) {
  rows_.resize(batch.rows);
  inserted_.assign(batch.rows, 0);
  if (design_.global()) {
    const auto [row, inserted] = table_.upsert({Cell(std::uint8_t{1})});
    std::ranges::fill(rows_, row);
    inserted_[0] = inserted ? 1 : 0;
    return;
  }
  keys_.rows = batch.rows;
  keys_.columns.clear();
  for (const std::size_t column : design_.by) keys_.columns.push_back(batch.columns[column]);
  if (windowed()) keys_.columns.push_back(starts_);
  hashes_.resize(batch.rows);
  hash_keys(keys_, key_columns_, hashes_);
  table_.upsert(keys_, key_columns_, hashes_, rows_, inserted_);
}

// False if a sum would leave its range: all is then as it was.
bool Combiner::accumulate(const Batch& batch) {
  find_groups(batch);
  if (accumulators_.add(batch, {rows_, inserted_, &keys_})) return true;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (inserted_[i] != 0) table_.erase(rows_[i]);
  }
  return false;
}

// --- results ------------------------------------------------------------------------------------

Status Combiner::on_watermark(Microseconds watermark, Emitter& out) {
  watermark_ = std::max(watermark_, watermark);
  if (rows_kept_ == 0) return {};
  return ended() ? flush(out) : Status();
}

// Event time is past something that is kept: it must be behind the hop before, where it ends a window or makes groups
// forgotten.
bool Combiner::ended() const {
  if (windowed()) return design_.slices->next_end(first_start_) <= watermark_;
  return forgets() ? watermark_ > touched_first_ : watermark_ == kEndOfTime;
}

// NULLs of any type and number share the same zeros.
Column Combiner::nulls(Type type, std::size_t rows) {
  const std::size_t bytes = (rows + 1) * sizeof(Decimal);
  if (zeros_.size() < bytes) {
    ByteBuilder zeros;
    std::memset(zeros.extend(bytes), 0, bytes);
    zeros_ = zeros.finish();
  }
  const auto part = [&](std::size_t size) { return Buffer(zeros_.owner(), zeros_.data(), size); };
  if (type.variable()) return {type, rows, part((rows + 7) / 8), {}, part((rows + 1) * sizeof(std::int32_t))};
  return {type, rows, part((rows + 7) / 8), part(rows * type.width())};
}

Status Combiner::send(const Batch& whole, Emitter& out) {
  if (whole.rows == 0) return {};
  Batch batch{output_, whole.rows, {}, {}};
  for (std::size_t c = 0; c < origins_.size(); ++c) {
    const std::size_t from = origins_[c].whole;
    batch.columns.push_back(from != kNone ? whole.columns[from] : nulls(output_->fields[c].type, whole.rows));
  }
  return out.emit(std::move(batch));
}

Status Combiner::flush(Emitter& out) {
  touched_first_ = INT64_MAX;
  touched_last_ = INT64_MIN;
  if (rows_kept_ == 0) return {};
  judge();
  std::vector<Row> groups(kGroups);
  TableCursor cursor;
  for (bool more = true; more;) {
    groups.resize(kGroups);
    groups.resize(table_.scan(cursor, groups));
    more = groups.size() == kGroups;
    Batch batch{output_, groups.size(), {}, {}};
    for (std::size_t c = 0; c < origins_.size(); ++c) {
      const std::size_t from = origins_[c].group;
      batch.columns.push_back(from != kNone ? table_.gather(groups, from)
                                            : nulls(output_->fields[c].type, groups.size()));
    }
    STREAM_TRY(out.emit(std::move(batch)));
  }
  table_.clear();
  rows_kept_ = 0;
  due_.reset();
  return {};
}

// What is flushed before it is full says little: the input may just be slow.
void Combiner::judge() {
  if (table_.rows() < kGroups) return;
  if (rows_kept_ >= kWorthRows * table_.rows()) {
    pass_next_ = kPassFirst;
    return;
  }
  pass_ = pass_next_;
  pass_next_ = std::min(2 * pass_next_, kPassMost);
}

}  // namespace stream
