#include "stages/join/kept_rows.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kPiece = 256;

}  // namespace

KeptRows::KeptRows(const JoinSide& side, StateStore& store)
    : side_(side), table_(store.table(side.table)), key_columns_(side.table.key.size()) {
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
  for (std::size_t column = 0; column < side.columns.size(); ++column) {
    if (side.columns[column] >= side.table.key.size()) value_columns_.push_back(column);
  }
}

// A row is told apart by what no other kept row has: a restore, from fewer or more instances, keeps that.
void KeptRows::restored() {
  if (side_.sequence == kNone) return;
  table_.for_each([&](Row row) { sequence_ = std::max(sequence_, table_.get<std::int64_t>(row, side_.sequence) + 1); });
}

// Key columns of the table for every row; the numbers of arrival are those the rows would get.
Batch KeptRows::keys_of(const Batch& batch) const {
  Batch keys{nullptr, batch.rows, {}, {}};
  for (const std::size_t column : side_.on) keys.columns.push_back(batch.columns[column]);
  for (const std::size_t column : side_.key) keys.columns.push_back(batch.columns[column]);
  if (side_.sequence == kNone) return keys;
  ByteBuilder numbers;
  auto* number = reinterpret_cast<std::int64_t*>(numbers.extend(batch.rows * sizeof(std::int64_t)));
  std::iota(number, number + batch.rows, sequence_);
  keys.columns.emplace_back(kBigint, batch.rows, Buffer(), numbers.finish());
  return keys;
}

// Rows are filled while they are still in the cache.
void KeptRows::append(const Batch& batch, std::span<const std::uint64_t> hashes) {
  const Batch keys = keys_of(batch);
  sequence_ += static_cast<std::int64_t>(batch.rows);
  rows_.resize(std::min(kPiece, batch.rows));
  for (std::size_t begin = 0; begin < batch.rows; begin += kPiece) {
    const auto piece = std::span(rows_).first(std::min(kPiece, batch.rows - begin));
    table_.append(keys, key_columns_, hashes.subspan(begin, piece.size()), piece, begin);
    for (const std::size_t column : value_columns_) {
      table_.fill(piece, side_.columns[column], batch.columns[column], begin);
    }
  }
}

void KeptRows::add(const Batch& all, std::span<const std::uint32_t> rows, std::span<const std::uint64_t> hashes,
                   std::span<const std::int64_t> matches) {
  if (rows.empty()) return;
  const Batch batch = rows.size() == all.rows ? all : all.take(rows);
  if (side_.table.append_only) {
    if (rows.size() == all.rows) return append(batch, hashes);
    hashes_.clear();
    for (const std::uint32_t row : rows) hashes_.push_back(hashes[row]);
    return append(batch, hashes_);
  }
  const Batch keys = keys_of(batch);
  hashes_.resize(batch.rows);
  rows_.resize(batch.rows);
  inserted_.resize(batch.rows);
  hash_keys(keys, key_columns_, hashes_);
  table_.upsert(keys, key_columns_, hashes_, rows_, inserted_);
  sequence_ += static_cast<std::int64_t>(batch.rows);
  for (const std::size_t column : value_columns_) {
    for (std::uint32_t i = 0; i < batch.rows; ++i) {
      table_.set_from(rows_[i], side_.columns[column], batch.columns[column], i);
    }
  }
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    if (side_.copies != kNone) ++*table_.at<std::int64_t>(rows_[i], side_.copies);
    if (side_.matches != kNone) *table_.at<std::int64_t>(rows_[i], side_.matches) = matches[rows[i]];
  }
}

bool KeptRows::remove(const Batch& all, std::uint32_t position) {
  const Batch keys = keys_of(all.take({&position, 1}));
  std::uint64_t hash = 0;
  Row row;
  hash_keys(keys, key_columns_, {&hash, 1});
  table_.find(keys, key_columns_, {&hash, 1}, {&row, 1});
  if (!row) return false;
  if (side_.copies != kNone && copies(row) > 1) {
    table_.set<std::int64_t>(row, side_.copies, copies(row) - 1);
  } else {
    table_.erase(row);
  }
  return true;
}

}  // namespace stream
