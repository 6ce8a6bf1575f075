#include "snapshot/grouping.h"

#include <algorithm>
#include <numeric>

namespace stream {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;

std::vector<std::uint32_t> groups_of(const TableSpec& spec, const Batch& keys, std::uint32_t key_groups) {
  const std::vector<std::uint64_t> hashes = group_hashes(spec, keys);
  std::vector<std::uint32_t> groups(hashes.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) groups[i] = key_group_of(hashes[i], key_groups).value();
  return groups;
}

// starts[g] = position of the first row of group g in the order; one more than there are groups.
std::vector<std::uint32_t> starts_of(const std::vector<std::uint32_t>& groups, std::uint32_t key_groups) {
  std::vector<std::uint32_t> starts(key_groups + 1, 0);
  for (const std::uint32_t group : groups) ++starts[group + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  return starts;
}

std::vector<Piece> cut(const std::vector<std::uint32_t>& starts, std::size_t limit) {
  std::vector<Piece> pieces;
  Piece piece;
  const auto close = [&](std::size_t end) {
    if (end == piece.begin) return;
    piece.end = end;
    pieces.push_back(piece);
    piece.begin = end;
  };
  for (std::uint32_t group = 0; group + 1 < starts.size(); ++group) {
    if (starts[group] == starts[group + 1]) continue;
    if (starts[group + 1] - piece.begin > limit) close(starts[group]);
    if (piece.begin == starts[group]) piece.groups.begin = group;
    piece.groups.end = group + 1;
    while (starts[group + 1] - piece.begin > limit) close(piece.begin + limit);
  }
  close(starts.back());
  return pieces;
}

}  // namespace

std::vector<std::size_t> group_columns_of(const TableSpec& spec) {
  std::vector<std::size_t> columns(spec.group_columns == 0 ? spec.key.size() : spec.group_columns);
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return columns;
}

std::vector<std::uint64_t> group_hashes(const TableSpec& spec, const Batch& keys) {
  std::vector<std::uint64_t> hashes(keys.rows);
  hash_keys(keys, group_columns_of(spec), hashes);
  return hashes;
}

Grouping group_rows(const TableSpec& spec, const Batch& keys, std::uint32_t key_groups, std::size_t size_bytes) {
  Grouping grouping;
  if (keys.rows == 0) return grouping;
  grouping.groups = groups_of(spec, keys, key_groups);
  const std::vector<std::uint32_t> starts = starts_of(grouping.groups, key_groups);
  const std::size_t row_bytes = size_bytes / keys.rows + 1;
  grouping.pieces = cut(starts, std::clamp<std::size_t>(kPieceBytes / row_bytes, 1, kBatchRowsMax));
  grouping.order.resize(keys.rows);
  std::vector<std::uint32_t> next = starts;
  for (std::uint32_t i = 0; i < keys.rows; ++i) grouping.order[next[grouping.groups[i]]++] = i;
  return grouping;
}

}  // namespace stream
