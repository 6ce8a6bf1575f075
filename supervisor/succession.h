// Succession: a supervisor that has come to lead a job takes over what the last leader left.
#pragma once

#include <optional>
#include <string>

#include "supervisor/job_paths.h"
#include "supervisor/job_store.h"
#include "transport/base/files.h"

namespace stream {

struct Estate {
  std::string essentials;  // of the last leader's store; see JobStore::essentials()
  std::string run;         // whose checkpoint `published` is
  Epoch published;         // the newest that counts
  Epoch reserved;          // epochs below may have been used
  bool left = false;       // nothing is gone on from: the job begins elsewhere
};

// Makes this host's folder of the job what the estate says. Checkpoints newer than the one that counts are deleted: the
// last leader wrote them, and could not have told anybody; if it still lives, it finds their folders gone.
// `checkpoints` is `checkpoint.path`, and `owner` who they belong to. Errors: kFailed, kSystem, kCorrupt;
// kNotFound if its checkpoints are gone, as with a folder that is not mounted.
Result<JobRecord> succeed(Files& files, const JobPaths& paths, const Estate& estate, const std::string& owner);

}  // namespace stream
