#include "stages/aggregate/window_merger.h"

#include <algorithm>
#include <numeric>

namespace stream {
namespace {

constexpr std::size_t kRows = 4096;

std::vector<std::unique_ptr<StateTable>> make_tables(const std::vector<TableSpec>& specs) {
  std::vector<std::unique_ptr<StateTable>> tables;
  for (const TableSpec& spec : specs) tables.push_back(std::make_unique<StateTable>(spec, false));
  return tables;
}

std::vector<StateTable*> pointers(const std::vector<std::unique_ptr<StateTable>>& tables) {
  std::vector<StateTable*> out;
  for (const auto& table : tables) out.push_back(table.get());
  return out;
}

// The next window has about as many rows.
void empty(StateTable& table) {
  const std::size_t rows = table.rows();
  if (rows == 0) return;
  table.clear();
  table.expect(rows);
}

Column constant(Microseconds time, std::size_t rows) {
  ColumnBuilder one(kTimestamp, 1);
  one.append(time);
  return repeat_column(one.finish(), rows);
}

}  // namespace

WindowMerger::WindowMerger(const AggregateDesign& sliced, StateTable& slices, std::vector<StateTable*> values)
    : sliced_(sliced),
      design_(merged_design(sliced)),
      slices_(slices),
      values_(std::move(values)),
      table_(design_.table, false),
      merged_values_(make_tables(design_.distinct)),
      accumulators_(design_, table_, pointers(merged_values_)),
      by_(sliced.by.size()) {
  std::iota(by_.begin(), by_.end(), std::size_t{0});
}

std::vector<StateTable*> WindowMerger::values() const { return pointers(merged_values_); }

void WindowMerger::clear() {
  empty(table_);
  for (const auto& table : merged_values_) empty(*table);
  merged_ = {};
}

// The `by` columns of rows_.
void WindowMerger::read_keys(const StateTable& from) {
  keys_.rows = rows_.size();
  keys_.columns.clear();
  for (const std::size_t column : by_) keys_.columns.push_back(from.gather(rows_, column));
  hashes_.assign(rows_.size(), 0);
  if (!by_.empty()) hash_keys(keys_, by_, hashes_);
}

void WindowMerger::upsert_keys() {
  groups_.resize(keys_.rows);
  inserted_.assign(keys_.rows, 0);
  if (!by_.empty()) {
    table_.upsert(keys_, by_, hashes_, groups_, inserted_);
  } else if (keys_.rows != 0) {
    const auto [row, inserted] = table_.upsert({Cell(std::uint8_t{1})});
    std::ranges::fill(groups_, row);
    inserted_[0] = inserted ? 1 : 0;
  }
  accumulators_.start(groups_, inserted_);
}

// --- a whole window -----------------------------------------------------------------------------

void WindowMerger::drop_fired(const FiredGroups& fired, Microseconds end) {
  std::vector<Row> left;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!fired.fired(hashes_[i], end)) left.push_back(rows_[i]);
  }
  if (left.size() == rows_.size()) return;
  rows_ = std::move(left);
  read_keys(slices_);
}

void WindowMerger::add_slices(WindowSpan span, const FiredGroups& fired, Microseconds end) {
  TimeCursor cursor = StateTable::time_cursor(span.start);
  for (bool more = true; more;) {
    rows_.resize(kRows);
    const std::size_t count = slices_.scan_before(cursor, span.end, rows_);
    more = count == kRows;
    rows_.resize(count);
    read_keys(slices_);
    if (!fired.empty()) drop_fired(fired, end);
    upsert_keys();
    accumulators_.merge({slices_, sliced_, rows_}, groups_);
  }
}

// rows_ of a table of values go to the groups_ they belong to.
void WindowMerger::add_value_rows(std::size_t call, const StateTable& from) {
  Batch values{nullptr, rows_.size(), {}, {}};
  for (const std::size_t column : by_) values.columns.push_back(from.gather(rows_, column));
  for (std::size_t c = sliced_.group_columns(); c < from.spec().columns(); ++c)
    values.columns.push_back(from.gather(rows_, c));
  accumulators_.merge_values(call, values, groups_);
}

void WindowMerger::add_values(std::size_t call, WindowSpan span) {
  const StateTable& from = *values_[sliced_.calls[call].distinct];
  TimeCursor cursor = StateTable::time_cursor(span.start);
  for (bool more = true; more;) {
    rows_.resize(kRows);
    const std::size_t count = from.scan_before(cursor, span.end, rows_);
    more = count == kRows;
    rows_.resize(count);
    read_keys(from);
    groups_.assign(rows_.size(), by_.empty() ? table_.find({Cell(std::uint8_t{1})}) : Row());
    if (!by_.empty()) table_.find(keys_, by_, hashes_, groups_);
    // Groups that are not there have fired.
    std::size_t left = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (!groups_[i]) continue;
      rows_[left] = rows_[i];
      groups_[left++] = groups_[i];
    }
    rows_.resize(left);
    groups_.resize(left);
    add_value_rows(call, from);
  }
}

void WindowMerger::merge(WindowSpan window, const FiredGroups& fired) {
  const bool goes_on = merged_.start == window.start && merged_.start < merged_.end && merged_.end <= window.end;
  if (!goes_on) clear();
  const WindowSpan rest{goes_on ? merged_.end : window.start, window.end};
  add_slices(rest, fired, window.end);
  for (std::size_t i = 0; i < sliced_.calls.size(); ++i) {
    if (sliced_.merges_values(i)) add_values(i, rest);
  }
  merged_ = fired.empty() ? window : WindowSpan{};  // another window is not without the same groups
}

// --- some groups --------------------------------------------------------------------------------

std::vector<std::uint32_t> WindowMerger::different(const Batch& keys) {
  clear();
  keys_ = keys;
  hashes_.assign(keys.rows, 0);
  if (!by_.empty()) hash_keys(keys_, by_, hashes_);
  upsert_keys();
  std::vector<std::uint32_t> first;
  for (std::uint32_t i = 0; i < keys.rows; ++i) {
    if (inserted_[i] != 0) first.push_back(i);
  }
  return first;
}

// `keys`: by, start of the slice.
void WindowMerger::add_slice_of(const Batch& keys, std::span<const Row> groups, Groups* found) {
  std::vector<std::size_t> columns(keys.columns.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  hashes_.resize(keys.rows);
  hash_keys(keys, columns, hashes_);
  std::vector<Row> rows(keys.rows);
  slices_.find(keys, columns, hashes_, rows);
  rows_.clear();
  groups_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i]) continue;
    rows_.push_back(rows[i]);
    groups_.push_back(groups[i]);
    found->existed[i] = 1;
  }
  accumulators_.merge({slices_, sliced_, rows_}, groups_);
}

// Needs hashes_ of the same keys.
void WindowMerger::add_values_of(std::size_t call, const Batch& keys, std::span<const Row> groups) {
  const StateTable& from = *values_[sliced_.calls[call].distinct];
  std::vector<std::size_t> columns(keys.columns.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  std::vector<std::uint64_t> hashes(keys.rows);
  hash_keys(keys, columns, hashes);
  std::vector<Row> heads(keys.rows);
  from.find_prefix(keys, columns, hashes, heads);
  rows_.clear();
  groups_.clear();
  for (std::size_t i = 0; i < heads.size(); ++i) {
    for (Row row = heads[i]; row; row = from.next_of_prefix(row)) {
      rows_.push_back(row);
      groups_.push_back(groups[i]);
    }
  }
  add_value_rows(call, from);
}

WindowMerger::Groups WindowMerger::merge_keys(const Batch& keys, WindowSpan window) {
  different(keys);
  Groups found{groups_, std::vector<std::uint8_t>(keys.rows)};
  Batch slice_keys = keys;
  slice_keys.columns.emplace_back();
  for (Microseconds at = window.start; at < window.end; at = sliced_.slices->slice_of(at).end) {
    slice_keys.columns.back() = constant(at, keys.rows);
    add_slice_of(slice_keys, found.rows, &found);
    for (std::size_t i = 0; i < sliced_.calls.size(); ++i) {
      if (sliced_.merges_values(i)) add_values_of(i, slice_keys, found.rows);
    }
  }
  return found;
}

}  // namespace stream
