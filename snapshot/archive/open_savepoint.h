// OpenSavepoint: a savepoint to read, whatever its form: a folder, a single file, or an archive, whose files are
// unpacked into scratch for as long as this lives.
#pragma once

#include <memory>
#include <string>

#include "snapshot/archive/scratch_folder.h"
#include "snapshot/savepoint.h"

namespace stream {

class OpenSavepoint {
 public:
  // Folders to unpack into are made below `scratch`, if one is needed. Verifies what an archive holds; of the other
  // forms the index alone. Errors: as load_savepoint() and unpack_archive().
  static Result<OpenSavepoint> open(const std::string& path, const std::string& scratch);

  const CheckpointIndex& index() const { return index_; }
  const std::string& folder() const { return folder_; }  // what the index's paths start from
  // Keeps `folder` while somebody holds it; null where nothing was unpacked.
  std::shared_ptr<const ScratchFolder> hold() const { return scratch_; }

 private:
  CheckpointIndex index_;
  std::string folder_;
  std::shared_ptr<const ScratchFolder> scratch_;
};

// The index alone, which of an archive is found without unpacking the rest.
Result<CheckpointIndex> savepoint_index(const std::string& path, const std::string& scratch);

// delete_savepoint() of any form.
Result<CheckpointIndex> delete_any_savepoint(Files& files, const std::string& path, const std::string& scratch);

}  // namespace stream
