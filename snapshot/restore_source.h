// What names snapshot files: one file, the files of an instance, those of a whole stage.
//
// They cross the control channel as JSON: a stage reports its InstanceFiles with snapshot-done and
// is assigned a RestoreSource.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/evolution.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace stream {

struct FileRef {
  std::string path;  // below the checkpoints (or savepoint) folder: "12/totals.0.a1.sqlite"
  std::uint64_t size_bytes = 0;
  std::string sha256;  // 64 hex digits
  bool base = false;   // stands alone; else it builds on the files listed before it

  friend bool operator==(const FileRef&, const FileRef&) = default;
};

// The files of one instance, oldest first: a base, then increments. No file at all is empty state.
struct InstanceFiles {
  std::uint32_t instance = 0;
  std::vector<FileRef> files;

  friend bool operator==(const InstanceFiles&, const InstanceFiles&) = default;
};

struct RestoreSource {
  std::string folder;             // absolute; what FileRef::path starts from
  Epoch epoch;                    // of the checkpoint
  std::uint32_t parallelism = 1;  // of the stage when the files were written
  std::vector<InstanceFiles> instances;
  // True for a checkpoint in the folder this instance's own checkpoints go to: its increments may
  // then build on these files. False for a savepoint or a folder elsewhere.
  bool extend = false;
  std::string local = {};         // absolute folder that may hold copies of some of the files; "" = none
  StageEvolution evolution = {};  // what is taken up otherwise than it was kept
  // Instance i is no longer fed by what fed instance i: shared tables are read from all, as of a stage of another
  // parallelism.
  bool refed = false;

  bool same_layout(std::uint32_t now) const { return parallelism == now && !refed; }
  // Whether increments may build on these files as they are.
  bool extends() const { return extend && !refed && evolution == StageEvolution(); }

  friend bool operator==(const RestoreSource&, const RestoreSource&) = default;
};

std::string to_json(const InstanceFiles& files);
std::string to_json(const RestoreSource& source);
Result<InstanceFiles> instance_files_from_json(std::string_view json);
Result<RestoreSource> restore_source_from_json(std::string_view json);

}  // namespace stream
