#include "snapshot/state_table.h"

#include <algorithm>
#include <numeric>

#include "snapshot/one_row.h"
#include "snapshot/state_table_keys.h"
#include "transport/base/check.h"
#include "transport/record/key.h"

namespace stream {
namespace {

// Rows whose cache misses are under way at the same time.
constexpr std::size_t kGroup = 32;

}  // namespace

StateTable::StateTable(TableSpec spec, bool track_changes)
    : spec_(std::move(spec)), layout_(spec_), pages_(layout_.row_bytes()), changes_(track_changes),
      key_indexes_(spec_.key.size()) {
  STREAM_CHECK(check_spec(spec_).ok());
  std::iota(key_indexes_.begin(), key_indexes_.end(), std::size_t{0});
  if (!spec_.ordered.empty()) time_column_ = *spec_.find(spec_.ordered);
}

StateTable::~StateTable() = default;

std::size_t StateTable::size_bytes() const {
  return pages_.size_bytes() + heap_.size_bytes() + slots_.size_bytes() + prefix_slots_.size_bytes() +
         time_.size_bytes() + changes_.size_bytes();
}

bool StateTable::integer_key(const Batch& batch, std::span<const std::size_t> key_columns) const {
  if (key_columns.size() != 1 || batch.columns[key_columns[0]].has_nulls()) return false;
  const TypeKind kind = spec_.key[0].type.kind;
  return kind == TypeKind::kBigint || kind == TypeKind::kTimestamp;
}

void StateTable::check_key(const Batch& batch, std::span<const std::size_t> key_columns,
                           std::size_t count) const {
  STREAM_CHECK(key_columns.size() == count);
  for (std::size_t k = 0; k < count; ++k) {
    STREAM_CHECK(batch.columns[key_columns[k]].type() == spec_.key[k].type);
  }
}

// Starts the loads of a group's slots, then, when these have come, of the rows they point to.
template <class Equal>
void StateTable::look_ahead(std::span<const std::uint64_t> hashes, const Equal& /*equal*/,
                            std::uint32_t* ids) const {
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    ids[i] = slots_.likely(hashes[i]);
    if (ids[i] != kNoRow) __builtin_prefetch(pages_.row(ids[i]).at, 1);
  }
}

template <class Equal>
Row StateTable::insert(const Equal& equal, std::size_t i, std::uint64_t hash, std::size_t position) {
  const std::uint32_t id = pages_.allocate();
  const Row row = pages_.row(id);
  const std::uint32_t generation = RowLayout::generation(row);
  std::memset(row.at, 0, layout_.row_bytes());
  RowLayout::generation(row) = generation;
  RowLayout::set_live(row, true);
  equal.fill(*this, i, row);
  slots_.put(position, hash, id);
  ++rows_;
  if (spec_.prefix != 0) link_prefix(row, id);
  if (time_column_ != SIZE_MAX) {
    if (time_column_ >= layout_.key_columns()) layout_.set_null(row, time_column_, true);
    else link_time(row, id);
  }
  return row;
}

template <bool kMark, class Equal>
void StateTable::upsert_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows,
                             std::uint8_t* inserted, const Equal& equal) {
  std::uint32_t ids[kGroup];
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const auto group = hashes.subspan(begin, std::min(kGroup, hashes.size() - begin));
    slots_.reserve(group.size());
    if (begin == 0) for (const std::uint64_t hash : group) slots_.prefetch(hash);
    look_ahead(group, equal, ids);
    const std::size_t next = std::min(begin + kGroup, hashes.size());
    for (std::size_t i = next; i < std::min(next + kGroup, hashes.size()); ++i) slots_.prefetch(hashes[i]);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto same = [&](std::uint32_t id) { return equal(begin + i, id); };
      bool fresh = false;
      if (ids[i] == kNoRow || !same(ids[i])) {
        const std::size_t position = slots_.locate(group[i], same);
        ids[i] = slots_.at(position);
        fresh = ids[i] == kNoRow;
        if (fresh) rows[begin + i] = insert(equal, begin + i, group[i], position);
      }
      if (!fresh) rows[begin + i] = pages_.row(ids[i]);
      if constexpr (kMark) changes_.touch(rows[begin + i]);
      if (inserted != nullptr) inserted[begin + i] = fresh ? 1 : 0;
    }
  }
}

template <bool kMark>
void StateTable::upsert_batch(const Batch& batch, std::span<const std::size_t> key_columns,
                              std::span<const std::uint64_t> hashes, std::span<Row> rows,
                              std::uint8_t* inserted) {
  check_key(batch, key_columns, spec_.key.size());
  STREAM_CHECK(hashes.size() == batch.rows && rows.size() == batch.rows);
  if (integer_key(batch, key_columns)) {
    upsert_rows<kMark>(hashes, rows, inserted, IntegerEqual(*this, batch.columns[key_columns[0]]));
  } else {
    upsert_rows<kMark>(hashes, rows, inserted, KeyEqual(*this, batch, key_columns));
  }
}

void StateTable::upsert(const Batch& batch, std::span<const std::size_t> key_columns,
                        std::span<const std::uint64_t> hashes, std::span<Row> rows,
                        std::span<std::uint8_t> inserted) {
  STREAM_CHECK(inserted.empty() || inserted.size() == batch.rows);
  upsert_batch<true>(batch, key_columns, hashes, rows, inserted.empty() ? nullptr : inserted.data());
}

template <class Equal>
void StateTable::find_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows,
                           const Equal& equal) const {
  std::uint32_t ids[kGroup];
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const auto group = hashes.subspan(begin, std::min(kGroup, hashes.size() - begin));
    for (const std::uint64_t hash : group) slots_.prefetch(hash);
    look_ahead(group, equal, ids);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto same = [&](std::uint32_t id) { return equal(begin + i, id); };
      const bool hit = ids[i] == kNoRow || same(ids[i]);
      rows[begin + i] = pages_.row(hit ? ids[i] : slots_.find(group[i], same));
    }
  }
}

void StateTable::find(const Batch& batch, std::span<const std::size_t> key_columns,
                      std::span<const std::uint64_t> hashes, std::span<Row> rows) const {
  check_key(batch, key_columns, spec_.key.size());
  STREAM_CHECK(hashes.size() == batch.rows && rows.size() == batch.rows);
  if (slots_.size() == 0) return static_cast<void>(std::ranges::fill(rows, Row{}));
  if (integer_key(batch, key_columns)) {
    find_rows(hashes, rows, IntegerEqual(*this, batch.columns[key_columns[0]]));
  } else {
    find_rows(hashes, rows, KeyEqual(*this, batch, key_columns));
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
  upsert_batch<true>(one.batch(), key_indexes_, {&hash, 1}, {&row, 1}, &inserted);
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
  std::vector<Row> rows(batch.rows);
  hash_keys(batch, key_indexes_, hashes);
  slots_.reserve(batch.rows);
  upsert_batch<false>(batch, key_indexes_, hashes, rows, nullptr);
  for (const Row row : rows) RowLayout::set_captured(row);
  for (std::size_t column = spec_.key.size(); column < spec_.columns(); ++column) {
    for (std::size_t i = 0; i < batch.rows; ++i) store_from(rows[i], column, batch.columns[column], i);
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
