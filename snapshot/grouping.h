// Rows sorted by key group and cut into pieces that make good segments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapshot/table_spec.h"
#include "transport/record/batch.h"
#include "transport/record/key.h"

namespace stream {

// The columns of a batch whose hash gives the key group: the spec's leading key columns.
std::vector<std::size_t> group_columns_of(const TableSpec& spec);

// The key group hash of every row; `keys` has the key columns of the spec first.
std::vector<std::uint64_t> group_hashes(const TableSpec& spec, const Batch& keys);

struct Piece {
  std::size_t begin = 0;  // positions in Grouping::order
  std::size_t end = 0;
  KeyGroupRange groups;  // that occur in it, and all between them
};

struct Grouping {
  std::vector<std::uint32_t> groups;  // of the rows as they came
  std::vector<std::uint32_t> order;   // rows by key group; within one group in their old order
  std::vector<Piece> pieces;
};

// `size_bytes`: of all the rows. Pieces have at most 64 Ki rows and about 256 KiB; they end between
// groups unless one group alone is larger.
Grouping group_rows(const TableSpec& spec, const Batch& keys, std::uint32_t key_groups, std::size_t size_bytes);

}  // namespace stream
