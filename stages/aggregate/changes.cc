// What an aggregate emits: changes of groups, and whole groups.
#include <algorithm>

#include "stages/aggregate/aggregate.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

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

Picks Aggregate::choose_picks(const Changes& changes, const Computed& after) const {
  Picks picks;
  const std::vector<Row>& rows = changed_.rows();
  const std::vector<std::uint8_t> differ = differing_rows(changes.before, after, rows.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    const bool shown = !design_.windowed() || table_.get<std::int64_t>(rows[i], design_.window_start()) < open_from_;
    const bool before = changes.existed[i] != 0 && changes.before.ok(i);
    picks.add(i, before, shown && alive(rows[i]) && after.ok(i), differ[i] != 0);
  }
  return picks;
}

Status Aggregate::emit_changes(const Changes& changes, Emitter& out) {
  if (changes.before.columns.empty()) return {};
  const Computed after = results_->compute(changed_.rows());
  STREAM_TRY(report_failed(*results_, after, changed_.rows().size(), out));
  return emit_picked(*results_, changes.before, after, choose_picks(changes, after), out);
}

// Where groups are forgotten, what was known before may be taken back after.
bool Aggregate::empty(Row row) const {
  const auto rows = table_.get<std::int64_t>(row, design_.row_count);
  return rows == 0 || (idle_ && rows < 0);
}

// Groups without rows are gone; those of fired windows have been shown.
void Aggregate::end_changes() {
  for (const Row row : changed_.rows()) {
    if (design_.row_count != kNone && empty(row)) {
      if (idle_) erase_values(row);
      table_.erase(row);
    } else if (design_.fired != kNone && alive(row) &&
               table_.get<std::int64_t>(row, design_.window_start()) < open_from_) {
      table_.set<std::uint8_t>(row, design_.fired, 1);
    }
  }
}

Status Aggregate::scan_some(Emitter& out) {
  std::vector<Row> groups;
  while (scanning_ && !out.full()) {
    groups.resize(kScanRows);
    const std::size_t count = table_.scan(cursor_, groups);
    scanning_ = count == kScanRows;
    groups.resize(count);
    if (results_) STREAM_TRY(emit_groups(*results_, groups, out));
  }
  return {};
}

}  // namespace stream
