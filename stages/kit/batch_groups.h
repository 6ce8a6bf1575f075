// BatchGroups: the rows of one batch by key, in the order they come.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transport/record/batch.h"

namespace stream {

class BatchGroups {
 public:
  // Forgets the last batch. NULL is a key like others.
  void make(const Batch& batch, std::span<const std::size_t> key_columns);

  std::size_t count() const { return first_.size(); }
  std::uint32_t of(std::size_t row) const { return of_[row]; }
  // The first row of each group, ascending, and the hash of its key as hash_keys() gives.
  std::span<const std::uint32_t> first() const { return first_; }
  std::span<const std::uint64_t> hashes() const { return hashes_; }
  // The key columns of those rows, at their places; the other columns are empty.
  Batch keys(const Batch& batch, std::span<const std::size_t> key_columns) const;

 private:
  std::vector<std::uint64_t> row_hashes_;
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint32_t> of_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace stream
