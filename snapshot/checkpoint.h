// Checkpoint index: which files make up checkpoint n. Writing it is what makes n exist.
//
//   CHECKPOINTS/12/totals.0.a1.sqlite     published by the instances
//   CHECKPOINTS/12/checkpoint.sqlite      the index, published last, by the supervisor
//
// Files named by an index may lie in the folders of earlier epochs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/restore_source.h"
#include "transport/base/clock.h"
#include "transport/base/files.h"
#include "transport/base/ids.h"
#include "transport/record/key.h"

namespace stream {

extern const std::string_view kCheckpointDdl;

struct IndexInstance {
  std::string stage;
  std::uint32_t instance = 0;
  std::vector<FileRef> files;  // oldest first
  std::string info = "{}";     // JSON the instance reported (rows, bytes, times); not interpreted

  friend bool operator==(const IndexInstance&, const IndexInstance&) = default;
};

struct IndexStage {
  std::string name;
  std::uint32_t parallelism = 1;

  friend bool operator==(const IndexStage&, const IndexStage&) = default;
};

struct CheckpointIndex {
  Epoch epoch;
  bool savepoint = false;
  bool drained = false;  // every window had fired: going on from here would lose late results
  std::string job;
  std::string run;
  Attempt attempt;
  std::string label;       // "" = none
  std::string note;        // what somebody has to say of it, "" = nothing
  std::string written_by;  // version of stream, "" = before that was written down
  Microseconds created_us = 0;
  std::uint32_t key_groups = kKeyGroupsDefault;
  std::string manifest;  // text, as submitted
  std::string plan;      // JSON: graph, schemas, values of parameters; not interpreted here
  std::vector<IndexStage> stages;
  std::vector<IndexInstance> instances;

  friend bool operator==(const CheckpointIndex&, const CheckpointIndex&) = default;
};

// Every distinct file the index names, by path.
std::vector<FileRef> files_of(const CheckpointIndex& index);

// What instances of `stage` restore from; no files if the index does not know the stage.
// `folder` is the checkpoints folder (or the savepoint's).
RestoreSource restore_source(const CheckpointIndex& index, const std::string& stage, const std::string& folder,
                             bool extend);

// What instance `instance` of `parallelism` reads of it: if the stage had as many, its own files and those of the first
// that has any, whose copy of what all hold alike goes to all.
RestoreSource needed_by(RestoreSource source, std::uint32_t instance, std::uint32_t parallelism);

// Publishes the index as CHECKPOINTS/EPOCH/checkpoint.sqlite: the commit point of the checkpoint.
// Before, verifies that every new file (those in folder EPOCH) is there with its size; verify_files()
// goes further. On failure the outcome is unknown: read it again with load_checkpoint() or die.
// Errors: kSystem, kCorrupt for a file that is not as reported.
Status publish_checkpoint(Files& files, const std::string& checkpoints, const CheckpointIndex& index);

// Reads an index without looking at the files it names. Errors: kNotFound if there is none,
// kCorrupt if it is damaged.
Result<CheckpointIndex> load_index(const std::string& path);

// Reads every named file and compares size and SHA-256. `seen` remembers files already verified
// between calls (path -> sha256); may be null.
using VerifiedFiles = std::map<std::string, std::string>;
Status verify_files(const CheckpointIndex& index, const std::string& folder, VerifiedFiles* seen = nullptr);

// load_index() of CHECKPOINTS/EPOCH and verify_files().
Result<CheckpointIndex> load_checkpoint(const std::string& checkpoints, Epoch epoch, VerifiedFiles* seen = nullptr);

// Epochs that have a published index, ascending. A folder that does not exist has none.
Result<std::vector<Epoch>> list_checkpoints(Files& files, const std::string& checkpoints);

// Whether what a checkpoint needs is damaged or gone, rather than out of reach for now.
inline bool is_damage(const Status& status) {
  return status.code() == Code::kCorrupt || status.code() == Code::kNotFound;
}

struct Damaged {
  Epoch epoch;
  std::string reason;
};

struct NewestGood {
  std::optional<CheckpointIndex> index;  // none: nothing to restore from
  std::vector<Damaged> damaged;          // newer ones that do not check, newest first
};

// Walks back from the newest checkpoint to the first whose index and files check. Damage is not an
// error here (what cannot be read for another reason is) but the caller must say it: falling back past a committed
// checkpoint may duplicate output.
Result<NewestGood> find_newest_good(Files& files, const std::string& checkpoints);

// Takes a published checkpoint out of use for good, though its files check: durable on return. What it
// wrote stays until retention finds it unnamed. Errors: kSystem.
Status refuse_checkpoint(Files& files, const std::string& checkpoints, Epoch epoch);

std::string checkpoint_folder(const std::string& checkpoints, Epoch epoch);
std::string index_path(const std::string& checkpoints, Epoch epoch);

}  // namespace stream
