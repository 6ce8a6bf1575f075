#include "stages/lua/keyed_state.h"

#include <algorithm>
#include <utility>

#include "snapshot/state_store.h"

namespace stream {
namespace {

Cell cell_of(const Column& column, std::size_t row) {
  if (!column.valid(row)) return std::monostate();
  switch (column.type().kind) {
    case TypeKind::kBoolean: return column.value<std::uint8_t>(row);
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return column.value<std::int64_t>(row);
    case TypeKind::kDouble: return column.value<double>(row);
    case TypeKind::kDecimal: return column.value<Decimal>(row);
    case TypeKind::kDate: return column.value<std::int32_t>(row);
    case TypeKind::kInterval: return column.value<Interval>(row);
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: return column.bytes(row);
  }
  return std::monostate();
}

}  // namespace

KeyedState::KeyedState(const LuaSettings& settings, StateStore& store)
    : settings_(settings),
      timers_(&store.table(settings.timers)),
      alarms_(&store.table(settings.alarms)),
      due_schema_(std::make_shared<const Schema>(Schema{.fields = settings.timers.key, .time = {}, .key = {}})) {
  const bool aged = settings.ttl.has_value();
  if (!settings.state.empty()) kept_.emplace(store.table(settings.kept), settings.state, aged);
  if (settings.entries.empty()) return;
  entries_.emplace(store.table(settings.entry_table),
                   std::vector<Field>(settings.entries.begin() + 1, settings.entries.end()), aged);
}

void KeyedState::begin(const Batch& batch, std::span<const std::size_t> key_columns) {
  batch_ = &batch;
  key_columns_.assign(key_columns.begin(), key_columns.end());
  if (!kept_) return;
  groups_.make(batch, key_columns);
  rows_.assign(groups_.count(), Row());
  kept_->table().find(batch.take(groups_.first()), key_columns, groups_.hashes(), rows_);
}

void KeyedState::enter(std::size_t row, Microseconds time) {
  at_ = row;
  time_ = time;
  if (kept_) group_ = groups_.of(row);
}

std::vector<Cell> KeyedState::key() const {
  std::vector<Cell> cells;
  for (const std::size_t column : key_columns_) cells.push_back(cell_of(batch_->columns[column], at_));
  return cells;
}

std::vector<Cell> KeyedState::key_and(const Cell& last) const {
  std::vector<Cell> cells = key();
  cells.push_back(last);
  return cells;
}

KeyedState::Place KeyedState::place(std::size_t column) const {
  const std::size_t own = settings_.state.size();
  return column < own ? Place{&*kept_, rows_[group_], column} : Place{&*entries_, entry_, column - own};
}

// The row of a key is made with the first value that is kept for it.
KeyedState::Place KeyedState::place_to_write(std::size_t column) {
  if (column < settings_.state.size() && !rows_[group_]) rows_[group_] = kept_->make(key(), time_);
  const Place at = place(column);
  at.rows->touch(at.row, time_);
  return at;
}

std::int64_t KeyedState::integer(std::size_t column) const {
  const Place at = place(column);
  return at.rows->integer(at.row, at.column);
}

double KeyedState::real(std::size_t column) const {
  const Place at = place(column);
  return at.rows->real(at.row, at.column);
}

std::string_view KeyedState::text(std::size_t column) const {
  const Place at = place(column);
  return at.rows->text(at.row, at.column);
}

void KeyedState::put_null(std::size_t column) {
  if (!has(column)) return;
  const Place at = place_to_write(column);
  at.rows->put_null(at.row, at.column);
}

void KeyedState::put_integer(std::size_t column, std::int64_t value) {
  const Place at = place_to_write(column);
  at.rows->put_integer(at.row, at.column, value);
}

void KeyedState::put_real(std::size_t column, double value) {
  const Place at = place_to_write(column);
  at.rows->put_real(at.row, at.column, value);
}

bool KeyedState::put_text(std::size_t column, std::string_view text) {
  const Place at = place_to_write(column);
  return at.rows->put_text(at.row, at.column, text);
}

void KeyedState::forget() {
  if (kept_ && rows_[group_]) kept_->table().erase(std::exchange(rows_[group_], Row()));
  if (!entries_) return;
  const std::vector<Cell> cells = key();
  for (Row row = entries_->table().find_prefix(cells); row; row = entries_->table().find_prefix(cells)) {
    entries_->table().erase(row);
  }
}

bool KeyedState::find_entry(const Cell& item) {
  entry_ = entries_->table().find(key_and(item));
  return static_cast<bool>(entry_);
}

void KeyedState::make_entry(const Cell& item) {
  entry_ = entries_->make(key_and(item), time_);
  entries_->touch(entry_, time_);
}

bool KeyedState::drop_entry(const Cell& item) {
  if (!find_entry(item)) return false;
  entries_->table().erase(entry_);
  return true;
}

std::size_t KeyedState::count_entries() {
  items_.clear();
  StateTable& table = entries_->table();
  const std::size_t column = settings_.by.size();
  for (Row row = table.find_prefix(key()); row; row = table.next_of_prefix(row)) {
    items_.push_back(table.cell(row, column));
  }
  std::ranges::sort(items_, [](const Cell& a, const Cell& b) {
    if (const auto* text = std::get_if<std::string_view>(&a)) return *text < std::get<std::string_view>(b);
    return std::get<std::int64_t>(a) < std::get<std::int64_t>(b);
  });
  return items_.size();
}

void KeyedState::set(StateTable& table, Microseconds time) {
  std::vector<Cell> cells = key();
  cells.emplace_back(std::int64_t{time});
  table.upsert(cells);
}

Batch KeyedState::take_due(StateTable& table, Microseconds until) const {
  Batch batch{due_schema_, 0, {}, {}};
  const auto first = table.first_time();
  if (!first || *first > until) return batch;
  TimeCursor cursor;
  std::vector<Row> due(1024);
  due.resize(table.scan_before(cursor, *first + 1, due));
  batch.rows = due.size();
  for (std::size_t column = 0; column < table.spec().key.size(); ++column)
    batch.columns.push_back(table.gather(due, column));
  for (const Row row : due) table.erase(row);
  return batch;
}

void KeyedState::forget_before(Microseconds watermark) {
  // The end of the input says nothing about how old a key is.
  Microseconds until = 0;
  if (!settings_.ttl || watermark == kEndOfTime) return;
  if (__builtin_sub_overflow(watermark, *settings_.ttl, &until)) return;
  if (kept_) kept_->forget_before(until);
  if (entries_) entries_->forget_before(until);
}

}  // namespace stream
