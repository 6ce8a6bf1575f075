// Reading an instance's share of a stage's files: into live tables, or merged into a new base.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "snapshot/outbox.h"
#include "snapshot/packed_file.h"
#include "snapshot/restore_source.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/state_table.h"

namespace stream {

// Who reads.
struct RestoreTarget {
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = kKeyGroupsDefault;
};

class Destination;

class RestoreReader {
 public:
  // Opens every file. Errors: kCorrupt, also if a file is missing or belongs to another instance
  // than the source says; kUsage if the number of key groups differs.
  static Result<std::unique_ptr<RestoreReader>> open(const RestoreSource& source, RestoreTarget target);

  // The tables the files know, by name, each with its newest spec.
  const std::vector<TableSpec>& tables() const { return tables_; }

  // The key groups of a table that belong to the target: its own range, or all unless keyed.
  KeyGroupRange groups_of(const TableSpec& spec) const;

  // Adds the target's rows of the table `table.spec().name` in these groups; the table holds none of
  // them yet. Its spec may have more value columns than the files (they become NULL, or 0) and other
  // access paths. Errors: kUsage if it fits in no such way; kCorrupt.
  Status load(KeyGroupRange groups, StateTable& table);
  Status load(Outbox& outbox);

  // Cuts `groups` so that each piece is at most about `bytes` of segments.
  Result<std::vector<KeyGroupRange>> cut(const TableSpec& spec, KeyGroupRange groups, std::uint64_t bytes);

 private:
  struct Instance {
    std::uint32_t instance = 0;
    std::vector<std::unique_ptr<SnapshotFile>> files;
  };
  RestoreReader() = default;
  Status open_instance(const RestoreSource& source, const InstanceFiles& files);
  std::vector<Instance*> contributors(const TableSpec& spec);
  Status load_instance(Instance& from, KeyGroupRange groups, const TableSpec& spec, Destination& to);
  Status load_apart(const std::vector<Instance*>& from, KeyGroupRange groups, StateTable& table);
  bool same_layout() const { return old_parallelism_ == target_.parallelism; }
  Result<std::uint64_t> rows_expected(const std::vector<Instance*>& instances, KeyGroupRange groups,
                                      const std::string& table);
  Result<bool> has_marks(const std::vector<Instance*>& instances, const std::string& table);

  RestoreTarget target_;
  std::uint32_t old_parallelism_ = 1;
  std::vector<Instance> instances_;
  std::vector<TableSpec> tables_;
};

// Writes the target's share of the source as a base, in pieces of about so many bytes, which bound the memory it takes.
Status merge_files(const RestoreSource& source, RestoreTarget target, std::uint64_t piece_bytes, PackedFileWriter& out);

}  // namespace stream
