// StateView: the state tables of a checkpoint or savepoint, each as a whole, whatever instances hold its rows.
//
// For looking at state from outside of its job: queries, comparisons, exports. Files are opened at once, so that
// retention may delete them meanwhile. One thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/checkpoint.h"
#include "snapshot/restore.h"

namespace stream {

struct ViewedTable {
  std::string stage;
  TableSpec spec;
  std::string name;       // how users call it: the table's own name, or STAGE.TABLE where several stages have one of it
  bool internal = false;  // of the kit, not of the stage: positions, watermarks, dead letters
  bool pending = false;   // rows that a sink has not committed; their columns are no state to look at

  std::string long_name() const { return stage + "." + spec.name; }
};

// Gives each its name; they are in the order of the stages.
void name_tables(std::vector<ViewedTable>& tables);

// Where a table is that users call by its name or long name. Errors: kUsage, naming the nearest or all there are but
// internal ones.
Result<std::size_t> find_table(std::span<const ViewedTable> tables, std::string_view name, const std::string& job);

class StateView {
 public:
  // `folder` is what the index's paths start from. Errors: kCorrupt, also if a file is gone; kUsage for a format of
  // a later release.
  static Result<std::unique_ptr<StateView>> open(CheckpointIndex index, std::string folder);

  const CheckpointIndex& index() const { return index_; }
  // In the order of the stages, then by name.
  std::span<const ViewedTable> tables() const { return tables_; }
  Result<std::size_t> find(std::string_view name) const { return find_table(tables_, name, index_.job); }

  // All key groups, in pieces of about `bytes`.
  Result<std::vector<KeyGroupRange>> cut(std::size_t table, std::uint64_t bytes);
  // Adds the rows of these groups to `to`, made from plain_spec(table) and empty. Not of pending ones.
  Status load(std::size_t table, KeyGroupRange groups, StateTable& to);
  // The same of what one instance had, of a table of which each has rows of its own.
  Status load_of_instance(std::size_t table, std::uint32_t instance, StateTable& to);
  TableSpec plain_spec(std::size_t table) const;  // without access paths

 private:
  struct Stage {
    std::string name;
    std::unique_ptr<RestoreReader> reader;
  };
  StateView() = default;
  Status open_stage(const IndexStage& stage);
  RestoreReader& reader_of(std::size_t table);

  CheckpointIndex index_;
  std::string folder_;
  std::vector<Stage> stages_;
  std::vector<ViewedTable> tables_;
};

}  // namespace stream
