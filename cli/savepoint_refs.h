// REF: how users name a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/archive/scratch_folder.h"
#include "snapshot/checkpoint.h"
#include "snapshot/workbench/state_view.h"
#include "transport/base/status.h"

namespace stream {

// The absolute path of the savepoint. What could be both is a savepoint of the job; ./JOB@N is the path.
// Errors: kUsage, saying what is near, or what there is.
Result<std::string> resolve_savepoint(const std::string& reference);

// The same, but one in object storage is not fetched: its URL.
Result<std::string> place_of_savepoint(const std::string& reference);

// The same of a savepoint whose files may be gone already, so that its deletion can be done again.
Result<std::string> resolve_listed_savepoint(const std::string& reference);

// A snapshot to look at.
struct SnapshotPlace {
  CheckpointIndex index;
  std::string folder;                                      // what the index's paths start from
  std::shared_ptr<const ScratchFolder> scratch = nullptr;  // keeps it, where it was unpacked from an archive
};

// REF as above, the path of a checkpoint's folder, JOB@N of a checkpoint that is no savepoint, or JOB: its newest
// checkpoint. Errors: kUsage, kCorrupt.
Result<SnapshotPlace> find_snapshot(const std::string& reference);

// The path of a checkpoint's folder, or JOB@N of a checkpoint that is no savepoint; none: it is neither.
std::optional<Result<SnapshotPlace>> find_checkpoint(const std::string& reference);

// The same with its files open; of a running job once more where retention was faster.
Result<std::unique_ptr<StateView>> open_snapshot(const std::string& reference);

// Every JOB@N, JOB@LABEL and JOB@latest that names a savepoint of the job.
std::vector<std::string> savepoint_references(const std::string& job);

// A label must not look like a number, @latest or a part of another reference. Errors: kUsage.
Status check_label(const std::string& label);

}  // namespace stream
