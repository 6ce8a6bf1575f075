// Reading an instance's share of a stage's files: into live tables, or merged into a new base.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/outbox.h"
#include "snapshot/packed_file.h"
#include "snapshot/restore_source.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/state_table.h"
#include "snapshot/table_fit.h"
#include "transport/base/steps.h"

namespace stream {

// Who reads.
struct RestoreTarget {
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = kKeyGroupsDefault;
  const RowLanguage* language = nullptr;  // to convert with
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

  // Adds the target's rows in these groups of the table kept for `table.spec()`; the table holds none of
  // them yet. How kept columns become those of its spec is decided by fit_table(); access paths may be others.
  // Errors: kUsage if it fits in no way, or if a value cannot be converted; kCorrupt.
  Status load(KeyGroupRange groups, StateTable& table);
  Status load(Outbox& outbox);

  // Cuts `groups` of what is kept for the table so that each piece is at most about `bytes` of segments.
  Result<std::vector<KeyGroupRange>> cut(const TableSpec& spec, KeyGroupRange groups, std::uint64_t bytes);

  // What is kept for the table `wanted`; null if nothing is.
  const TableSpec* kept_for(const std::string& wanted) const;
  // Whether rows of a kept table are of no more use.
  bool dropped(const TableSpec& kept) const;
  // How rows of `kept`, as a file has it, become those of a table.
  TableFit fit(const TableSpec& kept, const TableSpec& wanted) const;

 private:
  struct Instance {
    std::uint32_t instance = 0;
    std::vector<std::unique_ptr<SnapshotFile>> files;
  };
  RestoreReader() = default;
  Status open_instance(const RestoreSource& source, const InstanceFiles& files);
  std::vector<Instance*> contributors(const TableSpec& spec);
  Status load_instance(Instance& from, KeyGroupRange groups, const TableSpec& kept, Destination& to);
  Status load_instance(Instance& from, KeyGroupRange groups, const TableSpec& kept, const TableSpec& wanted,
                       const TableEvolution& evolution, Destination& to);
  // Rows as they were kept, those of each instance apart.
  Status load_apart(const std::vector<Instance*>& from, KeyGroupRange groups, const TableSpec& kept,
                    const std::function<Status(const Batch&)>& take);
  Status load_converted(const TableFit& fit, KeyGroupRange groups, const TableSpec& kept, StateTable& table);
  TableEvolution evolution_of(const TableSpec& kept) const;
  bool same_layout() const { return old_parallelism_ == target_.parallelism; }
  bool reads_own(Distribution distribution) const;
  Result<std::uint64_t> rows_expected(const std::vector<Instance*>& instances, KeyGroupRange groups,
                                      const std::string& table);
  Result<bool> has_marks(const std::vector<Instance*>& instances, const std::string& table);

  RestoreTarget target_;
  StageEvolution evolution_;
  std::uint32_t old_parallelism_ = 1;
  bool refed_ = false;
  std::vector<Instance> instances_;
  std::vector<TableSpec> tables_;
};

// Writes the target's share of the source as a base, in pieces of about so many bytes, which bound the memory it takes;
// each is a step.
// `wanted`: the tables as they are now, where the source is not taken up as it was.
Status merge_files(const RestoreSource& source, RestoreTarget target, const std::vector<TableSpec>& wanted,
                   std::uint64_t piece_bytes, PackedFileWriter& out, const RunStep& run = run_here);

// Converts everything that may fail to be, for nothing but to see. Errors: as RestoreReader::load().
Status try_conversions(const RestoreSource& source, RestoreTarget target, const std::vector<TableSpec>& wanted);

}  // namespace stream
