#include "snapshot/workbench/state_reshard.h"

#include <algorithm>

#include "snapshot/grouping.h"
#include "snapshot/outbox.h"
#include "snapshot/restore.h"
#include "snapshot/savepoint.h"
#include "snapshot/table_slices.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 32 << 20;

// The old groups that hold all hashes of these new ones: a group is an interval of hashes, whatever their number.
KeyGroupRange old_groups(KeyGroupRange wanted, std::uint64_t now, std::uint64_t before) {
  const auto first = wanted.begin * before / now;
  const auto last = (wanted.end * before + now - 1) / now;
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(std::min(last, before))};
}

Batch within(const TableSpec& spec, const Batch& rows, KeyGroupRange groups, std::uint32_t key_groups) {
  const std::vector<std::uint64_t> hashes = group_hashes(spec, rows);
  std::vector<std::uint32_t> keep;
  for (std::uint32_t i = 0; i < hashes.size(); ++i) {
    const std::uint32_t group = key_group_of(hashes[i], key_groups).value();
    if (group >= groups.begin && group < groups.end) keep.push_back(i);
  }
  return keep.size() == rows.rows ? rows : rows.take(keep);
}

class Resharder {
 public:
  explicit Resharder(const ReshardRequest& request) : request_(request) {}

  Status fill(const IndexInstance& instance, SavepointInstanceWriter& writer) {
    const RestoreSource source = restore_source(request_.index, instance.stage, request_.folder, false);
    const std::uint32_t before = request_.index.key_groups;
    STREAM_ASSIGN(const auto own, RestoreReader::open(source, {instance.instance, source.parallelism, before}));
    STREAM_ASSIGN(const auto whole, RestoreReader::open(source, {0, 1, before}));
    for (const TableSpec& spec : whole->tables()) {
      if (is_outbox(spec)) continue;
      STREAM_TRY(writer.start_table(spec));
      const bool keyed = spec.distribution == Distribution::kKeyed;
      const KeyGroupRange wanted = key_groups_of(instance.instance, source.parallelism, request_.key_groups);
      STREAM_TRY(keyed ? move(*whole, spec, wanted, writer) : copy(*own, spec, writer));
    }
    return {};
  }

 private:
  Status move(RestoreReader& whole, const TableSpec& spec, KeyGroupRange wanted, SavepointInstanceWriter& writer) {
    const KeyGroupRange from = old_groups(wanted, request_.key_groups, request_.index.key_groups);
    STREAM_ASSIGN(const auto pieces, whole.cut(spec, from, kPieceBytes));
    for (const KeyGroupRange piece : pieces) {
      StateTable rows(without_paths(spec), false);
      STREAM_TRY(whole.load(piece, rows));
      STREAM_TRY(for_each_slice(rows, request_.key_groups, kSliceBytesMax, [&](const Batch& slice) {
        return writer.add_rows(within(spec, slice, wanted, request_.key_groups));
      }));
    }
    return {};
  }

  Status copy(RestoreReader& own, const TableSpec& spec, SavepointInstanceWriter& writer) const {
    StateTable rows(without_paths(spec), false);
    STREAM_TRY(own.load(own.groups_of(spec), rows));
    return for_each_slice(rows, request_.key_groups, kSliceBytesMax,
                          [&](const Batch& slice) { return writer.add_rows(slice); });
  }

  const ReshardRequest& request_;
};

}  // namespace

Result<CheckpointIndex> reshard(Files& files, const ReshardRequest& request) {
  Resharder resharder(request);
  CheckpointIndex index = request.index;
  index.key_groups = request.key_groups;
  index.plan = request.plan;
  return write_savepoint(
      files, std::move(index), request.target, request.single_file,
      [&](const IndexInstance& instance, SavepointInstanceWriter& writer) { return resharder.fill(instance, writer); });
}

}  // namespace stream
