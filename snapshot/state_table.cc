#include "snapshot/state_table.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "snapshot/one_row.h"
#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"
#include "transport/record/key.h"

namespace stream {
namespace {

// Rows whose cache misses are under way at the same time.
constexpr std::size_t kGroup = 32;
// Rows of a snapshot that are filled while they are still in the cache.
constexpr std::size_t kPiece = 512;

}  // namespace

StateTable::StateTable(TableSpec spec, bool track_changes)
    : spec_(std::move(spec)),
      layout_(spec_),
      pages_(layout_.row_bytes()),
      changes_(track_changes),
      key_indexes_(spec_.key.size()) {
  STREAM_CHECK(check_spec(spec_).ok());
  std::iota(key_indexes_.begin(), key_indexes_.end(), std::size_t{0});
  if (!spec_.ordered.empty()) time_column_ = *spec_.find(spec_.ordered);
  if (spec_.append_only) pin_ = std::make_shared<RowPin>();
}

// A capture may still be at the rows.
StateTable::~StateTable() {
  if (pin_) pin_->keep(std::move(pages_), std::move(heap_));
}

std::size_t StateTable::size_bytes() const {
  return pages_.size_bytes() + heap_.size_bytes() + slots_.size_bytes() + prefix_slots_.size_bytes() +
         time_.size_bytes() + changes_.size_bytes() + leaving_.capacity() * sizeof(Row);
}

bool StateTable::integer_key(const Batch& batch, std::span<const std::size_t> key_columns) const {
  if (key_columns.size() != 1 || batch.columns[key_columns[0]].has_nulls()) return false;
  const TypeKind kind = spec_.key[0].type.kind;
  return kind == TypeKind::kBigint || kind == TypeKind::kTimestamp;
}

void StateTable::check_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t count) const {
  STREAM_CHECK(key_columns.size() == count);
  for (std::size_t k = 0; k < count; ++k) { STREAM_CHECK(batch.columns[key_columns[k]].type() == spec_.key[k].type); }
}

// When the slots of a group have come, starts the loads of the rows they point to.
void StateTable::look_ahead(std::span<const std::uint64_t> hashes, Row* likely) const {
  const SlotMap::Probe slots = slots_.probe();
  const RowPages::View pages = pages_.view();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::uint32_t id = slots.likely(hashes[i]);
    likely[i] = id == kNoRow ? Row{} : pages.row(id);
    __builtin_prefetch(likely[i].at, 1);
  }
}

// The generation stays: by it the row is known to stand in a list of changes already.
void StateTable::start_row(Row row) {
  const std::uint32_t generation = RowLayout::generation(row);
  std::memset(row.at, 0, layout_.row_bytes());
  RowLayout::generation(row) = generation;
  RowLayout::set_live(row, true);
}

template <class Equal>
Row StateTable::insert(const Equal& equal, std::size_t i, std::uint64_t hash, std::size_t position) {
  const std::uint32_t id = pages_.allocate();
  const Row row = pages_.row(id);
  start_row(row);
  equal.fill(*this, i, row);
  slots_.put(position, hash, id);
  ++rows_;
  if (spec_.prefix != 0) link_prefix(row, id);
  if (time_column_ != SIZE_MAX) {
    if (time_column_ >= layout_.key_columns())
      layout_.set_null(row, time_column_, true);
    else
      link_time(row, id);
  }
  return row;
}

template <class Equal>
std::pair<Row, bool> StateTable::find_or_insert(const Equal& equal, std::size_t i, std::uint64_t hash) {
  const std::size_t position = slots_.locate(hash, [&](std::uint32_t id) { return equal(i, pages_.row(id)); });
  const std::uint32_t id = slots_.at(position);
  if (id != kNoRow) return {pages_.row(id), false};
  return {insert(equal, i, hash, position), true};
}

// What the loop needs is copied to locals: it writes bytes, which could be anything's.
template <bool kMark, class Equal>
void StateTable::upsert_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows, std::uint8_t* inserted,
                             const Equal& equal_of) {
  const Equal equal = equal_of;
  const std::uint32_t generation = changes_.generation();
  Row likely[kGroup];
  bool all_fresh = false;  // in the group before: then there is nothing to look ahead to
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const auto group = hashes.subspan(begin, std::min(kGroup, hashes.size() - begin));
    slots_.reserve(group.size());
    if (begin == 0) slots_.prefetch(group);
    all_fresh ? static_cast<void>(std::fill_n(likely, group.size(), Row{})) : look_ahead(group, likely);
    slots_.prefetch(hashes.subspan(begin + group.size(), std::min(kGroup, hashes.size() - begin - group.size())));
    all_fresh = true;
    for (std::size_t i = 0; i < group.size(); ++i) {
      Row row = likely[i];
      bool fresh = false;
      if (!row || !equal(begin + i, row)) std::tie(row, fresh) = find_or_insert(equal, begin + i, group[i]);
      if constexpr (kMark) {
        if (RowLayout::generation(row) != generation) changes_.touch(row);
      }
      all_fresh &= fresh;
      rows[begin + i] = row;
      if (inserted != nullptr) inserted[begin + i] = fresh ? 1 : 0;
    }
  }
}

template <bool kMark>
void StateTable::upsert_batch(const Batch& batch, std::span<const std::size_t> key_columns,
                              std::span<const std::uint64_t> hashes, std::span<Row> rows, std::uint8_t* inserted,
                              std::size_t begin) {
  STREAM_CHECK(!spec_.append_only);
  check_key(batch, key_columns, spec_.key.size());
  STREAM_CHECK(begin + hashes.size() <= batch.rows && rows.size() == hashes.size());
  if (integer_key(batch, key_columns)) {
    upsert_rows<kMark>(hashes, rows, inserted, IntegerEqual(*this, batch.columns[key_columns[0]], begin));
  } else {
    upsert_rows<kMark>(hashes, rows, inserted, KeyEqual(*this, batch, key_columns, begin));
  }
}

void StateTable::upsert(const Batch& batch, std::span<const std::size_t> key_columns,
                        std::span<const std::uint64_t> hashes, std::span<Row> rows, std::span<std::uint8_t> inserted,
                        std::size_t begin) {
  STREAM_CHECK(inserted.empty() || inserted.size() == hashes.size());
  upsert_batch<true>(batch, key_columns, hashes, rows, inserted.empty() ? nullptr : inserted.data(), begin);
}

void StateTable::upsert_unmarked(const Batch& batch, std::span<const std::size_t> key_columns,
                                 std::span<const std::uint64_t> hashes, std::span<Row> rows,
                                 std::span<std::uint8_t> inserted, std::size_t begin) {
  STREAM_CHECK(inserted.size() == hashes.size());
  upsert_batch<false>(batch, key_columns, hashes, rows, inserted.data(), begin);
}

template <class Equal>
void StateTable::find_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows, const Equal& equal_of) const {
  const Equal equal = equal_of;
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const auto group = hashes.subspan(begin, std::min(kGroup, hashes.size() - begin));
    if (begin == 0) slots_.prefetch(group);
    look_ahead(group, &rows[begin]);
    slots_.prefetch(hashes.subspan(begin + group.size(), std::min(kGroup, hashes.size() - begin - group.size())));
    for (std::size_t i = 0; i < group.size(); ++i) {
      Row& row = rows[begin + i];
      if (!row || equal(begin + i, row)) continue;
      row = pages_.row(slots_.find(group[i], [&](std::uint32_t id) { return equal(begin + i, pages_.row(id)); }));
    }
  }
}

void StateTable::find(const Batch& batch, std::span<const std::size_t> key_columns,
                      std::span<const std::uint64_t> hashes, std::span<Row> rows, std::size_t begin) const {
  check_key(batch, key_columns, spec_.key.size());
  STREAM_CHECK(begin + hashes.size() <= batch.rows && rows.size() == hashes.size());
  if (spec_.append_only) return find_in_prefix(batch, key_columns, rows, begin);
  if (slots_.size() == 0) return static_cast<void>(std::ranges::fill(rows, Row{}));
  if (integer_key(batch, key_columns)) {
    find_rows(hashes, rows, IntegerEqual(*this, batch.columns[key_columns[0]], begin));
  } else {
    find_rows(hashes, rows, KeyEqual(*this, batch, key_columns, begin));
  }
}

std::pair<Row, bool> StateTable::upsert(std::span<const Cell> key) {
  STREAM_CHECK(key.size() == spec_.key.size());
  OneRow one(key.size());
  for (std::size_t k = 0; k < key.size(); ++k) one.add_cell(spec_.key[k].type, key[k]);
  std::uint64_t hash = 0;
  hash_keys(one.batch(), key_indexes_, {&hash, 1});
  Row row;
  std::uint8_t inserted = 0;
  upsert_batch<true>(one.batch(), key_indexes_, {&hash, 1}, {&row, 1}, &inserted, 0);
  return {row, inserted != 0};
}

Row StateTable::find(std::span<const Cell> key) const {
  STREAM_CHECK(key.size() == spec_.key.size());
  OneRow one(key.size());
  for (std::size_t k = 0; k < key.size(); ++k) one.add_cell(spec_.key[k].type, key[k]);
  std::uint64_t hash = 0;
  hash_keys(one.batch(), key_indexes_, {&hash, 1});
  Row row;
  find(one.batch(), key_indexes_, {&hash, 1}, {&row, 1});
  return row;
}

// --- snapshots ----------------------------------------------------------------------------------

void StateTable::load(const Batch& batch) {
  STREAM_CHECK(batch.columns.size() == spec_.columns());
  std::vector<std::uint64_t> hashes(batch.rows);
  hash_keys(batch, std::span(key_indexes_).first(spec_.append_only ? spec_.prefix : spec_.key.size()), hashes);
  Row rows[kPiece];
  for (std::size_t begin = 0; begin < batch.rows; begin += kPiece) {
    const std::size_t count = std::min(kPiece, batch.rows - begin);
    const std::span<Row> piece(rows, count);
    const auto some = std::span(hashes).subspan(begin, count);
    spec_.append_only ? append_rows<false>(batch, key_indexes_, some, piece, begin)
                      : upsert_batch<false>(batch, key_indexes_, some, piece, nullptr, begin);
    load_values(batch, begin, piece);
  }
}

void StateTable::expect(std::size_t rows) {
  if (rows > rows_ && !spec_.append_only) slots_.reserve(rows - rows_);
}

void StateTable::load_values(const Batch& batch, std::size_t begin, std::span<const Row> rows) {
  for (const Row row : rows) RowLayout::set_captured(row);
  for (std::size_t column = spec_.key.size(); column < spec_.columns(); ++column) {
    load_column(rows, column, batch.columns[column], begin);
  }
}

void StateTable::load_column(std::span<const Row> rows, std::size_t column, const Column& values, std::size_t begin) {
  if (layout_.type(column).width() == 8 && !values.has_nulls() && column != time_column_) {
    store_eight(rows, column, values.values<std::int64_t>() + begin);
  } else {
    for (std::size_t i = 0; i < rows.size(); ++i) store_from(rows[i], column, values, begin + i);
  }
}

void StateTable::store_eight(std::span<const Row> rows, std::size_t column, const std::int64_t* values) {
  const std::size_t offset = layout_.offset(column);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(rows[i].at + offset, values + i, sizeof(std::int64_t));
    layout_.set_null(rows[i], column, false);
  }
}

void StateTable::unload(const Batch& keys) {
  std::vector<std::uint64_t> hashes(keys.rows);
  std::vector<Row> rows(keys.rows);
  hash_keys(keys, key_indexes_, hashes);
  find(keys, key_indexes_, hashes, rows);
  for (const Row row : rows) {
    if (row && RowLayout::live(row)) remove(row);
  }
}

void StateTable::unload_before(std::size_t column, std::int64_t time) {
  std::vector<Row> gone;
  for_each([&](Row row) {
    if (!is_null(row, column) && get<std::int64_t>(row, column) < time) gone.push_back(row);
  });
  for (const Row row : gone) remove(row);
}

}  // namespace stream
