// How much a restore will read: how to cut it into pieces, how much room to make.
#include <algorithm>

#include "snapshot/restore.h"

namespace stream {

// Most rows that one file of each instance holds: increments repeat rows of their base.
Result<std::uint64_t> RestoreReader::rows_expected(const std::vector<Instance*>& instances, KeyGroupRange groups,
                                                   const std::string& table) {
  std::uint64_t sum = 0;
  for (const Instance* instance : instances) {
    std::uint64_t most = 0;
    for (const auto& file : instance->files) {
      const auto found = std::ranges::find(file->tables(), table, &TableSpec::name);
      if (found == file->tables().end()) continue;
      STREAM_ASSIGN(const auto list, file->weights(static_cast<std::size_t>(found - file->tables().begin())));
      std::uint64_t rows = 0;
      for (const SnapshotFile::Weight& one : list) rows += overlap(one.groups, groups) ? one.rows : 0;
      most = std::max(most, rows);
    }
    sum += most;
  }
  return sum;
}

Result<std::vector<KeyGroupRange>> RestoreReader::cut(const TableSpec& spec, KeyGroupRange groups,
                                                      std::uint64_t bytes) {
  std::vector<std::uint64_t> weight(target_.key_groups, 0);
  const std::string kept = evolution_.kept_name(spec.name);
  for (const Instance* instance : contributors(spec)) {
    for (const auto& file : instance->files) {
      const auto found = std::ranges::find(file->tables(), kept, &TableSpec::name);
      if (found == file->tables().end()) continue;
      STREAM_ASSIGN(const auto list, file->weights(static_cast<std::size_t>(found - file->tables().begin())));
      for (const SnapshotFile::Weight& one : list) {
        const std::uint32_t end = std::min(one.groups.end, target_.key_groups);
        for (std::uint32_t g = one.groups.begin; g < end; ++g) weight[g] += one.bytes / (end - one.groups.begin);
      }
    }
  }
  std::vector<KeyGroupRange> pieces;
  std::uint64_t sum = 0;
  KeyGroupRange piece{groups.begin, groups.begin};
  for (std::uint32_t g = groups.begin; g < groups.end; ++g) {
    if (sum != 0 && sum + weight[g] > bytes) {
      pieces.push_back(piece);
      piece = {g, g};
      sum = 0;
    }
    sum += weight[g];
    piece.end = g + 1;
  }
  if (piece.end > piece.begin) pieces.push_back(piece);
  return pieces;
}

}  // namespace stream
