#include "stages/kit/batch_groups.h"

#include <bit>

#include "transport/record/key.h"

namespace stream {

void BatchGroups::make(const Batch& batch, std::span<const std::size_t> key_columns) {
  constexpr std::uint32_t kFree = UINT32_MAX;
  row_hashes_.resize(batch.rows);
  hash_keys(batch, key_columns, row_hashes_);
  slots_.assign(std::bit_ceil(batch.rows * 2 + 1), kFree);
  of_.resize(batch.rows);
  first_.clear();
  hashes_.clear();
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    const std::uint64_t hash = row_hashes_[row];
    std::size_t at = hash & (slots_.size() - 1);
    const auto other = [&](std::uint32_t group) {
      return hashes_[group] != hash || !same_key(batch, key_columns, first_[group], row);
    };
    while (slots_[at] != kFree && other(slots_[at])) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at] == kFree) {
      slots_[at] = static_cast<std::uint32_t>(first_.size());
      first_.push_back(row);
      hashes_.push_back(hash);
    }
    of_[row] = slots_[at];
  }
}

Batch BatchGroups::keys(const Batch& batch, std::span<const std::size_t> key_columns) const {
  Batch keys{nullptr, first_.size(), std::vector<Column>(batch.columns.size()), {}};
  for (const std::size_t column : key_columns) keys.columns[column] = batch.columns[column].take(first_);
  return keys;
}

}  // namespace stream
