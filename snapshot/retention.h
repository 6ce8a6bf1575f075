// Retention: which checkpoints and files may go. The decision is pure; carrying it out is apart.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "snapshot/checkpoint.h"
#include "transport/base/files.h"
#include "transport/base/ids.h"

namespace stream {

struct RetentionPolicy {
  std::size_t keep = 3;  // at least 1
};

// What retention looks at.
struct Inventory {
  std::vector<CheckpointIndex> indexes;  // published and readable, any order
  std::vector<Epoch> unreadable;         // published, index damaged: kept for a human to see
  std::set<Epoch> in_progress;           // reserved, not yet published or given up
  std::set<Epoch> aborted;               // given up, known for certain
  std::set<Epoch> pinned;                // being read: a savepoint under construction, a restore
  std::vector<std::string> files;        // every file below the checkpoints folder: "12/x.sqlite"
  std::vector<Epoch> empty;              // folders of epochs without any file
};

struct RetentionPlan {
  std::vector<Epoch> keep;           // ascending
  std::vector<Epoch> drop;           // indexes to delete, ascending: oldest first
  std::vector<std::string> files;    // files to delete after the indexes; none is named by a kept index
  std::vector<std::string> folders;  // folders that are then empty

  bool nothing() const { return drop.empty() && files.empty() && folders.empty(); }
};

// Keeps the newest `keep` checkpoints and what is pinned; if all of those share a base file with
// the newest, also the newest older checkpoint that shares none (one damaged base then never takes
// everything). Files: deletes those no kept index names, except in folders of epochs in progress
// or unreadable, or newer than every published checkpoint. Of a newer one that was aborted only the
// merged bases stay, which a checkpoint in progress may build on.
RetentionPlan plan_retention(const Inventory& inventory, const RetentionPolicy& policy);

// The same for `stream gc`: drops no checkpoint, only files nothing names.
RetentionPlan plan_gc(const Inventory& inventory);

// Reads the folder. `in_progress` and `pinned` are for the caller to fill in.
Result<Inventory> take_inventory(Files& files, const std::string& checkpoints);

// Deletes, indexes first and synced, so that a crash at any point leaves no index that names a
// missing file.
Status execute(Files& files, const std::string& checkpoints, const RetentionPlan& plan);

}  // namespace stream
