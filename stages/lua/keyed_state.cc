#include "stages/lua/keyed_state.h"

#include "snapshot/state_store.h"
#include "stages/format/print_value.h"
#include "stages/lua/results.h"

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
      due_schema_(std::make_shared<const Schema>(Schema{.fields = settings.timers.key, .time = {}, .key = {}})),
      shift_(settings.by.size()) {
  if (!settings.state.empty()) kept_ = &store.table(settings.kept);
}

void KeyedState::begin(const Batch& batch, std::span<const std::size_t> key_columns) {
  batch_ = &batch;
  key_columns_.assign(key_columns.begin(), key_columns.end());
  if (kept_ == nullptr) return;
  groups_.make(batch, key_columns);
  rows_.assign(groups_.count(), Row());
  kept_->find(batch.take(groups_.first()), key_columns, groups_.hashes(), rows_);
}

void KeyedState::enter(std::size_t row, Microseconds time) {
  at_ = row;
  time_ = time;
  if (kept_ != nullptr) group_ = groups_.of(row);
}

std::vector<Cell> KeyedState::key() const {
  std::vector<Cell> cells;
  for (const std::size_t column : key_columns_) cells.push_back(cell_of(batch_->columns[column], at_));
  return cells;
}

bool KeyedState::has(std::size_t column) const { return current() && !kept_->is_null(current(), shift_ + column); }

std::int64_t KeyedState::integer(std::size_t column) const {
  switch (settings_.state[column].type.width()) {
    case 1: return kept_->get<std::uint8_t>(current(), shift_ + column);
    case 4: return kept_->get<std::int32_t>(current(), shift_ + column);
    default: return kept_->get<std::int64_t>(current(), shift_ + column);
  }
}

std::string_view KeyedState::text(std::size_t column) {
  if (settings_.state[column].type.variable()) return kept_->bytes(current(), shift_ + column);
  const Row row = current();
  const Column one = kept_->gather({&row, 1}, shift_ + column);
  text_.resize(format::printed_size(one, 0));
  const char* const end = format::print_value(text_.data(), one, 0);
  text_.resize(static_cast<std::size_t>(end - text_.data()));
  return text_;
}

// The row of the key, which is made with the first value that is kept for it.
Row KeyedState::make() {
  Row& row = rows_[group_];
  const std::size_t written = shift_ + settings_.state.size();
  if (!row) {
    row = kept_->upsert(key()).first;
    for (std::size_t i = 0; i < settings_.state.size(); ++i) kept_->set_null(row, shift_ + i);
    if (settings_.ttl) kept_->set(row, written, time_);
  }
  if (settings_.ttl && kept_->get<std::int64_t>(row, written) < time_) kept_->set(row, written, time_);
  return row;
}

void KeyedState::put_null(std::size_t column) {
  if (has(column)) kept_->set_null(make(), shift_ + column);
}

void KeyedState::put_integer(std::size_t column, std::int64_t value) {
  const Row row = make();
  switch (settings_.state[column].type.width()) {
    case 1: return kept_->set(row, shift_ + column, static_cast<std::uint8_t>(value));
    case 4: return kept_->set(row, shift_ + column, static_cast<std::int32_t>(value));
    default: return kept_->set(row, shift_ + column, value);
  }
}

bool KeyedState::put_text(std::size_t column, std::string_view text) {
  ColumnBuilder one(settings_.state[column].type);
  if (!append_text(text, one)) return false;
  kept_->set_from(make(), shift_ + column, one.finish(), 0);
  return true;
}

void KeyedState::forget() {
  if (kept_ == nullptr || !current()) return;
  kept_->erase(current());
  rows_[group_] = Row();
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
  if (kept_ == nullptr || !settings_.ttl || watermark == kEndOfTime) return;
  if (!__builtin_sub_overflow(watermark, *settings_.ttl, &until)) kept_->erase_before(until);
}

}  // namespace stream
