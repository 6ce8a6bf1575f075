// What an aggregate emits: changes of groups, and whole groups.
#include <algorithm>

#include "stages/aggregate/aggregate.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kEmitRows = 16'384;
constexpr std::size_t kScanRows = 4096;

}  // namespace

bool Aggregate::alive(Row row) const {
  return design_.row_count == kNone || table_.get<std::int64_t>(row, design_.row_count) > 0;
}

// Groups whose readers hear of this batch: all under `updates`, those fired under windows. Where rows
// are taken back, any group may come to its end.
void Aggregate::find_changed(const Work& work) {
  changed_.clear();
  if (design_.windowed()) {
    if (design_.fired == kNone && !design_.retracts) return;
    const auto* starts = work.starts.values<std::int64_t>();
    const bool open = std::all_of(starts, starts + work.batch.rows, [&](std::int64_t s) { return s >= open_from_; });
    if (open && !design_.retracts) return;
    changed_.add_all(rows_);
    if (!design_.retracts) {
      changed_.drop_if([&](Row row) { return table_.get<std::int64_t>(row, design_.window_start()) >= open_from_; });
    }
    return;
  }
  if (!design_.updates && !design_.retracts) return;
  if (design_.global())
    changed_.add(rows_[0]);
  else
    changed_.add_all(rows_);
}

Aggregate::Changes Aggregate::begin_changes() {
  Changes changes;
  const std::vector<Row>& rows = changed_.rows();
  if (rows.empty() || !results_ || (!design_.windowed() && !design_.updates)) return changes;
  changes.existed.resize(rows.size());
  if (design_.windowed()) {
    if (design_.fired == kNone) return changes;
    for (std::size_t i = 0; i < rows.size(); ++i) changes.existed[i] = table_.get<std::uint8_t>(rows[i], design_.fired);
  } else if (design_.retracts) {
    for (std::size_t i = 0; i < rows.size(); ++i) changes.existed[i] = alive(rows[i]) ? 1 : 0;
  } else {
    for (std::size_t i = 0, at = 0; i < rows_.size() && at < rows.size(); ++i) {
      // A group's first row of the batch is where it stands in `rows`.
      if (rows_[i] == rows[at]) changes.existed[at++] = inserted_[i] != 0 ? 0 : 1;
    }
  }
  changes.before = results_->compute(rows);
  return changes;
}

void Aggregate::choose_picks(const Changes& changes, const Computed& after, std::vector<std::uint32_t>* picks,
                             ByteBuilder* kinds) const {
  const std::vector<Row>& rows = changed_.rows();
  const std::vector<std::uint8_t> differ = differing_rows(changes.before, after, rows.size());
  const auto add = [&](std::uint32_t pick, RowKind kind) {
    picks->push_back(pick);
    kinds->append_value(kind);
  };
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    const bool shown = !design_.windowed() || table_.get<std::int64_t>(rows[i], design_.window_start()) < open_from_;
    const bool before = changes.existed[i] != 0 && changes.before.ok(i);
    const bool now = shown && alive(rows[i]) && after.ok(i);
    if (before && now) {
      if (differ[i] == 0) continue;
      add(2 * i, RowKind::kUpdateBefore);
      add(2 * i + 1, RowKind::kUpdateAfter);
    } else if (before) {
      add(2 * i, RowKind::kDelete);
    } else if (now) {
      add(2 * i + 1, RowKind::kInsert);
    }
  }
}

Status Aggregate::emit_picked(const Computed& before, const Computed& after, std::span<const std::uint32_t> picks,
                              const std::uint8_t* kinds, Emitter& out) {
  // 2 * kEmitRows is even, but an insertion may shift pairs: never end between the two of one.
  for (std::size_t begin = 0; begin < picks.size();) {
    std::size_t end = std::min(picks.size(), begin + 2 * kEmitRows);
    if (end < picks.size() && kinds[end] == static_cast<std::uint8_t>(RowKind::kUpdateAfter)) --end;
    const auto part = picks.subspan(begin, end - begin);
    Batch batch{results_->schema(), part.size(), {}, {}};
    for (std::size_t c = 0; c < after.columns.size(); ++c) {
      batch.columns.push_back(pick(before.columns[c], after.columns[c], part));
    }
    ByteBuilder part_kinds;
    part_kinds.append(kinds + begin, part.size());
    batch.kinds = part_kinds.finish();
    STREAM_TRY(out.emit(std::move(batch)));
    begin = end;
  }
  return {};
}

Status Aggregate::report_failed(const Computed& computed, std::size_t rows, Emitter& out) {
  if (computed.errors.empty()) return {};
  return report_row_errors({results_->schema(), rows, computed.columns, {}}, computed.errors, out);
}

Status Aggregate::emit_changes(const Changes& changes, Emitter& out) {
  if (changes.before.columns.empty()) return {};
  const Computed after = results_->compute(changed_.rows());
  STREAM_TRY(report_failed(after, changed_.rows().size(), out));
  std::vector<std::uint32_t> picks;
  ByteBuilder kinds;
  choose_picks(changes, after, &picks, &kinds);
  return emit_picked(changes.before, after, picks, kinds.data(), out);
}

// Groups without rows are gone; those of fired windows have been shown.
void Aggregate::end_changes() {
  for (const Row row : changed_.rows()) {
    if (design_.row_count != kNone && table_.get<std::int64_t>(row, design_.row_count) == 0) {
      table_.erase(row);
    } else if (design_.fired != kNone && alive(row) &&
               table_.get<std::int64_t>(row, design_.window_start()) < open_from_) {
      table_.set<std::uint8_t>(row, design_.fired, 1);
    }
  }
}

// --- whole groups -------------------------------------------------------------------------------

Status Aggregate::emit_groups(std::vector<Row>& groups, Emitter& out) {
  if (design_.row_count != kNone) std::erase_if(groups, [&](Row row) { return !alive(row); });
  if (groups.empty() || !results_) return {};
  Computed computed = results_->compute(groups);
  STREAM_TRY(report_failed(computed, groups.size(), out));
  Batch batch{results_->schema(), groups.size(), std::move(computed.columns), {}};
  if (computed.failed.empty()) return out.emit(std::move(batch));
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    if (computed.failed[i] == 0) good.push_back(i);
  }
  return good.empty() ? Status() : out.emit(batch.take(good));
}

Status Aggregate::scan_some(Emitter& out) {
  std::vector<Row> groups;
  while (scanning_ && !out.full()) {
    groups.resize(kScanRows);
    const std::size_t count = table_.scan(cursor_, groups);
    scanning_ = count == kScanRows;
    groups.resize(count);
    STREAM_TRY(emit_groups(groups, out));
  }
  return {};
}

}  // namespace stream
