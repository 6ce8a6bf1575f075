// Access paths of a StateTable other than by key, and erasing, which has to keep them.
#include <algorithm>

#include "snapshot/one_row.h"
#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"
#include "transport/record/key.h"

namespace stream {

// Two rows of the table by their leading key columns.
class StateTable::RowEqual {
 public:
  RowEqual(const StateTable& table, Row row, std::size_t columns)
      : table_(table), one_(columns), equal_(make(table, row, columns)) {}
  bool operator()(std::uint32_t id) const { return equal_(0, table_.pages_.row(id)); }
  std::uint64_t hash(const StateTable& table, std::size_t columns) const {
    std::uint64_t hash = 0;
    hash_keys(one_.batch(), std::span(table.key_indexes_).first(columns), {&hash, 1});
    return hash;
  }

 private:
  KeyEqual make(const StateTable& table, Row row, std::size_t columns) {
    for (std::size_t k = 0; k < columns; ++k) one_.add_row(table.layout_, row, k);
    return {table, one_.batch(), std::span(table.key_indexes_).first(columns)};
  }
  const StateTable& table_;
  OneRow one_;
  KeyEqual equal_;
};

std::uint64_t StateTable::hash_of(Row row, std::size_t key_columns) const {
  return RowEqual(*this, row, key_columns).hash(*this, key_columns);
}

std::uint32_t StateTable::id_of(Row row) const {
  if (spec_.prefix != 0) return layout_.prefix_links(row)->id;
  return slots_.find(hash_of(row, spec_.key.size()), [&](std::uint32_t id) { return pages_.row(id) == row; });
}

// --- prefix -------------------------------------------------------------------------------------

void StateTable::link_prefix(Row row, std::uint32_t id) {
  const RowEqual same(*this, row, spec_.prefix);
  const std::uint64_t hash = same.hash(*this, spec_.prefix);
  prefix_slots_.reserve(1);
  link_prefix(row, id, hash, same);
}

void StateTable::unlink_prefix(Row row) {
  const PrefixLinks links = *layout_.prefix_links(row);
  if (links.next != kNoRow) layout_.prefix_links(pages_.row(links.next))->previous = links.previous;
  if (links.previous != kNoRow) {
    layout_.prefix_links(pages_.row(links.previous))->next = links.next;
    return;
  }
  const std::size_t position = prefix_slots_.position_of(links.tag, links.id);
  if (links.next == kNoRow)
    prefix_slots_.erase(position);
  else
    prefix_slots_.replace(position, links.next);
}

void StateTable::find_prefix(const Batch& batch, std::span<const std::size_t> prefix_columns,
                             std::span<const std::uint64_t> hashes, std::span<Row> rows) const {
  STREAM_CHECK(spec_.prefix != 0);
  check_key(batch, prefix_columns, spec_.prefix);
  if (prefix_slots_.size() == 0) return static_cast<void>(std::ranges::fill(rows, Row{}));
  const KeyEqual equal(*this, batch, prefix_columns);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    look_ahead_prefix(hashes, i);
    rows[i] = pages_.row(prefix_slots_.find(hashes[i], [&](std::uint32_t id) { return equal(i, pages_.row(id)); }));
  }
}

Row StateTable::find_prefix(std::span<const Cell> prefix) const {
  STREAM_CHECK(prefix.size() == spec_.prefix);
  OneRow one(prefix.size());
  for (std::size_t k = 0; k < prefix.size(); ++k) one.add_cell(spec_.key[k].type, prefix[k]);
  const auto columns = std::span(key_indexes_).first(spec_.prefix);
  std::uint64_t hash = 0;
  hash_keys(one.batch(), columns, {&hash, 1});
  Row row;
  find_prefix(one.batch(), columns, {&hash, 1}, {&row, 1});
  return row;
}

// --- time ---------------------------------------------------------------------------------------

void StateTable::link_time(Row row, std::uint32_t id) {
  if (is_null(row, time_column_)) return;
  std::uint32_t& head = time_.head(get<std::int64_t>(row, time_column_));
  *layout_.time_links(row) = {kNoRow, head};
  if (head != kNoRow) layout_.time_links(pages_.row(head))->previous = id;
  head = id;
}

void StateTable::unlink_time(Row row) {
  if (is_null(row, time_column_)) return;
  const RowLinks links = *layout_.time_links(row);
  if (links.next != kNoRow) layout_.time_links(pages_.row(links.next))->previous = links.previous;
  if (links.previous != kNoRow) {
    layout_.time_links(pages_.row(links.previous))->next = links.next;
    return;
  }
  const auto time = get<std::int64_t>(row, time_column_);
  if (links.next == kNoRow)
    time_.erase(time);
  else
    time_.head(time) = links.next;
}

void StateTable::set_time(Row row, std::int64_t time, bool null) {
  STREAM_CHECK(time_column_ >= layout_.key_columns());
  const bool was_null = is_null(row, time_column_);
  if (null == was_null && (null || get<std::int64_t>(row, time_column_) == time)) return;
  const std::uint32_t id = id_of(row);
  unlink_time(row);
  layout_.set_null(row, time_column_, null);
  std::memcpy(row.at + layout_.offset(time_column_), &time, sizeof time);
  link_time(row, id);
}

std::size_t StateTable::scan_before(TimeCursor& cursor, std::int64_t until, std::span<Row> out) const {
  STREAM_CHECK(time_column_ != SIZE_MAX);
  const TimeIndex::Map& heads = time_.heads();
  std::size_t count = 0;
  while (count < out.size()) {
    if (cursor.next == kNoRow || !cursor.started) {
      const auto at = cursor.started ? heads.upper_bound(cursor.time) : heads.begin();
      if (at == heads.end() || at->first >= until) return count;
      cursor = {true, at->first, at->second};
    }
    if (cursor.time >= until) return count;
    out[count] = pages_.row(cursor.next);
    cursor.next = layout_.time_links(out[count++])->next;
  }
  return count;
}

// --- scanning and erasing -----------------------------------------------------------------------

std::size_t StateTable::scan(TableCursor& cursor, std::span<Row> out) const {
  std::size_t count = 0;
  while (count < out.size() && cursor.next < pages_.end()) {
    const Row row = pages_.row(cursor.next++);
    if (RowLayout::live(row)) out[count++] = row;
  }
  return count;
}

void StateTable::remove(Row row) {
  if (spec_.append_only) return remove_appended(row);
  const auto mine = [&](std::uint32_t id) { return pages_.row(id) == row; };
  const std::size_t position = slots_.locate(hash_of(row, spec_.key.size()), mine);
  const std::uint32_t id = slots_.at(position);
  STREAM_CHECK(id != kNoRow);
  if (spec_.prefix != 0) unlink_prefix(row);
  if (time_column_ != SIZE_MAX) unlink_time(row);
  for (const std::uint32_t column : layout_.variable_columns()) release_bytes(row, column);
  RowLayout::set_live(row, false);
  slots_.erase(position);
  pages_.release(id);
  --rows_;
}

void StateTable::erase(Row row) {
  spec_.append_only ? changes_.erased_appended(layout_, row) : changes_.erased(layout_, row);
  remove(row);
}

std::size_t StateTable::erase_before(std::int64_t time) {
  if (spec_.append_only) return erase_appended(time);
  const bool in_key = time_column_ < layout_.key_columns();
  std::size_t erased = 0;
  Row rows[64];
  for (;;) {
    TimeCursor cursor;
    const std::size_t count = scan_before(cursor, time, rows);
    for (std::size_t i = 0; i < count; ++i) {
      changes_.erased_below(layout_, rows[i], in_key);
      remove(rows[i]);
    }
    erased += count;
    if (count < std::size(rows)) break;
  }
  if (erased != 0) changes_.erased_before(time);
  return erased;
}

void StateTable::clear() {
  changes_.cleared();
  unload_all();
}

void StateTable::unload_all() {
  slots_.clear();
  prefix_slots_.clear();
  time_.clear();
  leaving_.clear();
  erased_before_ = INT64_MIN;
  if (pin_ && pin_->held()) {
    pin_->keep(std::exchange(pages_, RowPages(layout_.row_bytes())), std::exchange(heap_, StringHeap()));
    pin_ = std::make_shared<RowPin>();
  }
  pages_.clear();
  heap_.clear();
  rows_ = 0;
}

}  // namespace stream
