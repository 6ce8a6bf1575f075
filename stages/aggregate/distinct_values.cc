#include "stages/aggregate/distinct_values.h"

#include <algorithm>
#include <numeric>

#include "stages/aggregate/loops.h"
#include "transport/record/key.h"

namespace stream {
namespace {

// Rows that are marked while they are still in the cache.
constexpr std::size_t kPiece = 512;

}  // namespace

void DistinctValues::pick_rows(std::size_t rows) {
  picked_.clear();
  all_ = std::ranges::any_of(calls_, &DistinctCall::all);
  if (all_) return;
  const auto counts = [&](std::size_t i) {
    return std::ranges::any_of(calls_, [i](const DistinctCall& call) { return call.mask[i] != 0; });
  };
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (counts(i)) picked_.push_back(i);
  }
}

void DistinctValues::add(std::span<const Column> keys, const Column& values, std::vector<DistinctCall> calls) {
  calls_ = std::move(calls);
  pick_rows(values.size());
  const std::size_t rows = all_ ? values.size() : picked_.size();
  Batch batch{nullptr, rows, {keys.begin(), keys.end()}, {}};
  batch.columns.push_back(values);
  if (!all_) {
    for (Column& column : batch.columns) column = column.take(picked_);
  }
  key_columns_.resize(batch.columns.size());
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
  hashes_.resize(rows);
  found_.resize(rows);
  made_.resize(rows);
  changed_.assign(rows, 0);
  hash_keys(batch, key_columns_, hashes_);
  for (std::size_t begin = 0; begin < rows; begin += kPiece) {
    const std::size_t end = std::min(rows, begin + kPiece);
    table_->upsert_unmarked(batch, key_columns_, std::span(hashes_).subspan(begin, end - begin),
                            std::span(found_).subspan(begin, end - begin), std::span(made_).subspan(begin, end - begin),
                            begin);
    for (const DistinctCall& call : calls_) mark(call, begin, end);
    for (std::size_t i = begin; i < end; ++i) {
      if (changed_[i] != 0) table_->touch(found_[i]);
    }
  }
}

void DistinctValues::mark(const DistinctCall& call, std::size_t begin, std::size_t end) {
  const aggregate::Slots<std::uint8_t> seen(*table_, found_, call.seen);
  for (std::size_t i = begin; i < end; ++i) {
    std::uint8_t& counts = call.mask[row(i)];
    counts &= static_cast<std::uint8_t>(*seen[i] ^ 1);
    *seen[i] |= counts;
    changed_[i] |= counts;
  }
}

void DistinctValues::undo() {
  for (const DistinctCall& call : calls_) {
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (call.mask[row(i)] != 0) *table_->at<std::uint8_t>(found_[i], call.seen) = 0;
    }
  }
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (made_[i] != 0) table_->erase(found_[i]);
  }
}

}  // namespace stream
