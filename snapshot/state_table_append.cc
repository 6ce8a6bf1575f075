// Rows that are only added: no index by their whole keys, and captures refer to them where they lie.
#include <algorithm>

#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kAhead = 16;  // rows whose cache misses are under way

}  // namespace

template <bool kMark>
void StateTable::append_rows(const Batch& batch, std::span<const std::size_t> key_columns,
                             std::span<const std::uint64_t> prefix_hashes, std::span<Row> rows, std::size_t begin) {
  check_key(batch, key_columns, spec_.key.size());
  STREAM_CHECK(spec_.append_only && begin + prefix_hashes.size() <= batch.rows && rows.size() == prefix_hashes.size());
  reap();
  prefix_slots_.reserve(rows.size());
  const KeyEqual key(*this, batch, key_columns, begin);
  const KeyEqual prefix(*this, batch, key_columns.first(spec_.prefix), begin);
  const bool held = pin_->held();  // what is free may be named by a capture
  const bool time_is_key = time_column_ < layout_.key_columns();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    look_ahead_prefix(prefix_hashes, i);
    const std::uint32_t id = held ? pages_.allocate_fresh() : pages_.allocate();
    const Row row = rows[i] = pages_.row(id);
    start_row(row);
    key.fill(*this, i, row);
    link_prefix(row, id, prefix_hashes[i], [&](std::uint32_t other) { return prefix(i, pages_.row(other)); });
    if (time_is_key) {
      link_time(row, id);
    } else if (time_column_ != SIZE_MAX) {
      layout_.set_null(row, time_column_, true);
    }
    if constexpr (kMark) changes_.touch(row);
  }
  rows_ += rows.size();
}

// The slot of a row some way ahead, and the row that the slot of one half that way points to.
void StateTable::look_ahead_prefix(std::span<const std::uint64_t> hashes, std::size_t i) const {
  if (i + kAhead < hashes.size()) prefix_slots_.prefetch(hashes[i + kAhead]);
  if (i + kAhead / 2 >= hashes.size()) return;
  const std::uint32_t soon = prefix_slots_.probe().likely(hashes[i + kAhead / 2]);
  if (soon == kNoRow) return;
  const Row row = pages_.row(soon);
  __builtin_prefetch(row.at);
  __builtin_prefetch(layout_.prefix_links(row), 1);
}

void StateTable::append(const Batch& batch, std::span<const std::size_t> key_columns,
                        std::span<const std::uint64_t> prefix_hashes, std::span<Row> rows, std::size_t begin) {
  append_rows<true>(batch, key_columns, prefix_hashes, rows, begin);
}

template void StateTable::append_rows<false>(const Batch&, std::span<const std::size_t>, std::span<const std::uint64_t>,
                                             std::span<Row>, std::size_t);

void StateTable::fill(std::span<const Row> rows, std::size_t column, const Column& from, std::size_t begin) {
  STREAM_CHECK(spec_.append_only && column >= layout_.key_columns() && from.type() == layout_.type(column));
  STREAM_CHECK(begin + rows.size() <= from.size());
  if (column == time_column_ && erased_before_ != INT64_MIN) {
    for (std::size_t i = begin; i < begin + rows.size(); ++i) {
      STREAM_CHECK(!from.valid(i) || from.value<std::int64_t>(i) >= erased_before_);
    }
  }
  if (!layout_.type(column).variable()) return load_column(rows, column, from, begin);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    from.valid(begin + i) ? place_bytes(rows[i], column, from.bytes(begin + i))
                          : layout_.set_null(rows[i], column, true);
  }
}

void StateTable::find_in_prefix(const Batch& batch, std::span<const std::size_t> key_columns, std::span<Row> rows,
                                std::size_t begin) const {
  const auto prefix = key_columns.first(spec_.prefix);
  std::vector<std::uint64_t> hashes(batch.rows);
  std::vector<Row> first(batch.rows);
  hash_keys(batch, prefix, hashes);
  find_prefix(batch, prefix, hashes, first);
  const KeyEqual equal(*this, batch, key_columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = first[begin + i];
    while (row && !equal(begin + i, row)) row = next_of_prefix(row);
    rows[i] = row;
  }
}

// --- leaving ------------------------------------------------------------------------------------

void StateTable::give_back(Row row) {
  for (const std::uint32_t column : layout_.variable_columns()) release_bytes(row, column);
  pages_.release(id_of(row));
}

// Out of every index: nobody finds the row any more.
void StateTable::leave(Row row) {
  unlink_prefix(row);
  RowLayout::set_live(row, false);
  --rows_;
  leaving_.push_back(row);
}

void StateTable::remove_appended(Row row) {
  if (time_column_ != SIZE_MAX) unlink_time(row);
  leave(row);
}

// Gives memory of rows that left to others, unless a capture refers to them.
void StateTable::reap() {
  if (leaving_.empty() || pin_->held()) return;
  for (const Row row : leaving_) give_back(row);
  leaving_.clear();
}

std::size_t StateTable::erase_appended(std::int64_t time) {
  STREAM_CHECK(time_column_ != SIZE_MAX);
  const std::size_t before = rows_;
  erased_before_ = std::max(erased_before_, time);
  while (const auto first = time_.first()) {
    if (*first >= time) break;
    for (std::uint32_t id = time_.head(*first); id != kNoRow;) {
      const Row row = pages_.row(id);
      id = layout_.time_links(row)->next;
      if (id != kNoRow) __builtin_prefetch(layout_.prefix_links(pages_.row(id)), 1);
      leave(row);
    }
    time_.erase(*first);
  }
  reap();
  if (before != rows_) changes_.erased_before(time);
  return before - rows_;
}

RowReferences StateTable::refer(std::uint64_t completed) {
  reap();
  return {changes_.seal(completed), time_column_, RowPin::hold(pin_)};
}

}  // namespace stream
