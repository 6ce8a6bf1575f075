// Savepoint: a checkpoint as plain SQL tables, self-contained, kept until the user deletes it.
//
//   DIR/savepoint.sqlite      the index (CheckpointIndex with savepoint = true)
//   DIR/totals.0.sqlite       one file per stage and instance: each state table as rows under its
//                             own name and column names, ordered by `_key_group`
//
// A single file holds the index and, per stage and instance, tables called STAGE.INSTANCE.TABLE;
// with one instance that has a name to itself, a view of the plain name is added for convenience.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "snapshot/checkpoint.h"
#include "snapshot/savepoint_file.h"
#include "snapshot/table_spec.h"
#include "transport/base/files.h"

namespace stream {

struct SavepointRequest {
  CheckpointIndex index;    // of the checkpoint to build from
  std::string checkpoints;  // its folder; pinned by the caller until this returns
  std::string target;       // folder to make, or file for single_file; must not exist
  std::string label;
  bool drained = false;
  bool single_file = false;
  Microseconds created_us = 0;
  std::string note = {};
  RunStep run = run_here;   // reading and writing some ten thousand rows, each
  std::size_t threads = 1;  // that write instances at once; a single file takes them one after the other anyway
};

// Builds the savepoint beside `target` and renames it into place when everything is synced: it is
// there as a whole or not at all. Outboxes are left out: build only after every sink has
// committed the epoch. Memory is bounded for each thread. Slow; its steps may run on any thread, on several at once
// if there are to be.
// Errors: kUsage if the target exists, kCorrupt, kSystem.
Result<CheckpointIndex> build_savepoint(Files& files, const SavepointRequest& request);

// The same of any state: `fill` writes the tables of each instance of the index; their files are not looked at.
using FillInstance = std::function<Status(const IndexInstance&, SavepointInstanceWriter&)>;
Result<CheckpointIndex> write_savepoint(Files& files, CheckpointIndex index, const std::string& target,
                                        bool single_file, const FillInstance& fill, const RunStep& run = run_here,
                                        std::size_t threads = 1);

// The index of a savepoint folder or single file. Errors as load_index().
Result<CheckpointIndex> load_savepoint(const std::string& path);

// Deletes the savepoint and nothing else. It is gone as a whole with one rename; what an interruption leaves has no
// meaning, see savepoint_partial.h. Returns the index it had. Errors: kUsage, touching nothing, if the path
// is no savepoint, or a symbolic link, or a folder that holds anything besides; kSystem.
Result<CheckpointIndex> delete_savepoint(Files& files, const std::string& path);

// The folder RestoreSource and verify_files() need for load_savepoint(path)'s index.
std::string savepoint_folder(const std::string& path);

}  // namespace stream
