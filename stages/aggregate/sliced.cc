#include "stages/aggregate/sliced.h"

#include <algorithm>

#include "snapshot/state_store.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kEmitRows = 4096;

}  // namespace

SlicedAggregate::SlicedAggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late)
    : AggregateOperator(std::move(design), context, std::move(late)),
      merger_(design_, table_, distinct_),
      fired_(context.state.table(FiredGroups::spec(design_.table)), context, design_.by.empty()) {
  if (output) results_.emplace(merger_.design(), merger_.table(), merger_.values(), std::move(output));
}

Status SlicedAggregate::on_restored() {
  fired_.restored();
  return AggregateOperator::on_restored();
}

Status SlicedAggregate::before_snapshot() {
  fired_.save(resumable_until_);
  return {};
}

Status SlicedAggregate::on_rows(Batch batch, Emitter& out) {
  Work work;
  STREAM_TRY(split_by_time(std::move(batch), kept_from_, &work, out));
  if (!fired_.empty()) STREAM_TRY(split_by_group(&work, out));
  return work.batch.rows == 0 ? Status() : apply(std::move(work), out);
}

Result<bool> SlicedAggregate::add(const Work& work, Emitter& out) {
  std::vector<Change> changes = begin_changes(work);
  find_groups(work);
  if (!accumulators_.add(work.batch, {rows_, inserted_, &keys_})) {
    undo_groups();
    return false;
  }
  const auto* starts = work.starts.values<std::int64_t>();
  merger_.forget(*std::min_element(starts, starts + work.batch.rows));
  if (design_.retracts) erase_empty();
  STREAM_TRY(end_changes(changes, out));
  return true;
}

// Slices of which every row has been taken back.
void SlicedAggregate::erase_empty() {
  touched_.clear();
  touched_.add_all(rows_);
  for (const Row row : touched_.rows()) {
    if (table_.get<std::int64_t>(row, design_.row_count) == 0) table_.erase(row);
  }
}

// --- firing -------------------------------------------------------------------------------------

Microseconds SlicedAggregate::output_watermark(Microseconds watermark) const {
  if (watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  return std::max(design_.slices->open_from(earlier(watermark, design_.lateness)), kNoWatermark + 1);
}

Status SlicedAggregate::on_watermark(Microseconds watermark, Emitter& out) {
  if (watermark <= watermark_) return {};
  watermark_ = watermark;
  firing_ = true;
  return fire_some(out);
}

// The first window that ends behind this time and is not empty.
std::optional<WindowSpan> SlicedAggregate::window_behind(Microseconds end) const {
  Row first;
  TimeCursor cursor = StateTable::time_cursor(design_.slices->open_from(end));
  if (table_.scan_before(cursor, INT64_MAX, {&first, 1}) == 0) return std::nullopt;
  const auto slice = table_.get<std::int64_t>(first, design_.window_start());
  return design_.slices->ending(design_.slices->next_end(std::max(slice, end)));
}

// The next window that has ended.
bool SlicedAggregate::next_window() {
  const auto window = window_behind(fired_until_);
  if (!window || window->end > watermark_) return false;
  window_ = *window;
  return true;
}

Status SlicedAggregate::emit_open(OpenGroups& open, Emitter& out) {
  if (open.rows.next == 0) {
    open.window = window_behind(open.window ? open.window->end : fired_until_);
    open.done = !open.window;
    if (open.done) return {};
    merger_.merge(*open.window, fired_);
  }
  std::vector<Row> groups(kEmitRows);
  groups.resize(merger_.table().scan(open.rows, groups));
  if (groups.size() < kEmitRows) open.rows = {};
  return emit_groups(*results_, groups, out, *open.window);
}

Status SlicedAggregate::fire_some(Emitter& out) {
  while (!out.full()) {
    if (!emitting_) {
      if (!results_ || !next_window()) {
        finish_firing();
        return {};
      }
      merger_.merge(window_, fired_);
      emitting_ = true;
      cursor_ = {};
    }
    STREAM_TRY(emit_some(out));
  }
  return {};
}

Status SlicedAggregate::emit_some(Emitter& out) {
  std::vector<Row> groups(kEmitRows);
  groups.resize(merger_.table().scan(cursor_, groups));
  if (groups.size() < kEmitRows) {
    emitting_ = false;
    fired_until_ = window_.end;
  }
  return emit_groups(*results_, groups, out, window_);
}

void SlicedAggregate::finish_firing() {
  firing_ = false;
  fired_until_ = std::max(fired_until_, watermark_);
  if (watermark_ != kEndOfTime) resumable_until_ = watermark_;
  fired_.reached(watermark_);
  kept_from_ = std::max(kept_from_, design_.slices->open_from(earlier(watermark_, design_.lateness)));
  table_.erase_before(kept_from_);
  for (StateTable* table : distinct_) table->erase_before(kept_from_);
}

// --- rows of fired windows ----------------------------------------------------------------------

Batch SlicedAggregate::keys_of(const Work& work) const {
  Batch keys{nullptr, work.batch.rows, {}, {}};
  for (const std::size_t column : design_.by) keys.columns.push_back(work.batch.columns[column]);
  return keys;
}

// Up to when windows of a row's group have been fired, here or where it was before.
std::vector<Microseconds> SlicedAggregate::fired_until(const Work& work) const {
  std::vector<Microseconds> until(work.batch.rows, watermark_);
  if (fired_.empty()) return until;
  std::vector<std::uint64_t> hashes(work.batch.rows);
  std::vector<std::size_t> by(design_.by.size());
  for (std::size_t i = 0; i < by.size(); ++i) by[i] = i;
  if (!by.empty()) hash_keys(keys_of(work), by, hashes);
  for (std::size_t i = 0; i < until.size(); ++i) until[i] = std::max(until[i], fired_.until(hashes[i]));
  return until;
}

// An instance that goes on with groups of one that was further judges their rows as that one would.
Status SlicedAggregate::split_by_group(Work* work, Emitter& out) {
  const std::vector<Microseconds> until = fired_until(*work);
  const auto* starts = work->starts.values<std::int64_t>();
  std::vector<std::uint32_t> late;
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < work->batch.rows; ++i) {
    const bool kept = starts[i] >= design_.slices->open_from(earlier(until[i], design_.lateness));
    (kept ? good : late).push_back(i);
  }
  if (late.empty()) return {};
  STREAM_TRY(emit_late(work->batch, late, out));
  *work = take(*work, good);
  return {};
}

// The rows of the batch that belong to windows which have been fired and are kept, by the window's end.
std::map<Microseconds, std::vector<std::uint32_t>> SlicedAggregate::fired_windows(const Work& work) const {
  std::map<Microseconds, std::vector<std::uint32_t>> windows;
  const SliceWindows& slices = *design_.slices;
  const auto* starts = work.starts.values<std::int64_t>();
  const std::vector<Microseconds> until = fired_until(work);
  for (std::uint32_t i = 0; i < work.batch.rows; ++i) {
    if (starts[i] >= until[i]) continue;
    const Microseconds closed = earlier(until[i], design_.lateness);
    for (Microseconds end = slices.next_end(std::max(starts[i], closed));
         end <= until[i] && slices.ending(end).start <= starts[i]; end = slices.next_end(end)) {
      windows[end].push_back(i);
    }
  }
  return windows;
}

std::vector<SlicedAggregate::Change> SlicedAggregate::begin_changes(const Work& work) {
  std::vector<Change> changes;
  if (design_.lateness == 0 || !results_) return changes;
  for (const auto& [end, rows] : fired_windows(work)) {
    Change& change = changes.emplace_back();
    change.window = design_.slices->ending(end);
    Batch keys{nullptr, rows.size(), {}, {}};
    for (const std::size_t column : design_.by) keys.columns.push_back(work.batch.columns[column].take(rows));
    change.keys = keys.take(merger_.different(keys));
    const WindowMerger::Groups groups = merger_.merge_keys(change.keys, change.window);
    change.existed = groups.existed;
    for (std::size_t i = 0; i < groups.rows.size(); ++i) change.existed[i] &= results_->alive(groups.rows[i]) ? 1 : 0;
    change.before = results_->compute(groups.rows, change.window);
  }
  return changes;
}

Status SlicedAggregate::end_changes(const std::vector<Change>& changes, Emitter& out) {
  for (const Change& change : changes) {
    const WindowMerger::Groups groups = merger_.merge_keys(change.keys, change.window);
    const Computed after = results_->compute(groups.rows, change.window);
    const std::vector<std::uint8_t> differ = differing_rows(change.before, after, groups.rows.size());
    Picks picks;
    for (std::uint32_t i = 0; i < groups.rows.size(); ++i) {
      const bool now = groups.existed[i] != 0 && results_->alive(groups.rows[i]) && after.ok(i);
      picks.add(i, change.existed[i] != 0 && change.before.ok(i), now, differ[i] != 0);
    }
    STREAM_TRY(report_failed(*results_, after, groups.rows.size(), out));
    STREAM_TRY(emit_picked(*results_, change.before, after, picks, out));
  }
  return {};
}

}  // namespace stream
