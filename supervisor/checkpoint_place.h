// Where a job's checkpoints are: in the job's folder, or below a folder that several hosts reach (`checkpoint.path`).
//
//   PATH/JOB/           what JOB/checkpoints links to
//   PATH/JOB.owner      the host and folder of the job they belong to: names are the same on many hosts
//
// Everything else goes by JOB/checkpoints and does not see the difference. What was written to PATH keeps a copy in
// JOB/local, on the host that wrote it, from which its instances are restored.
#pragma once

#include <string>

#include "supervisor/job_paths.h"
#include "transport/base/files.h"

namespace stream {

// Makes JOB/checkpoints; `path` is absolute, or "" for the job's own folder. `keep`: what is there is needed. Errors:
// kFailed if it is needed and elsewhere, or if the place belongs to another job; kSystem.
Status place_checkpoints(Files& files, const JobPaths& paths, const std::string& path, bool keep);

// Deletes every checkpoint of the job, wherever they are, and the copies of them.
Status remove_checkpoints(Files& files, const JobPaths& paths);

// Deletes copies of what is not kept any more. Nothing depends on a copy.
Status forget_local_copies(Files& files, const JobPaths& paths);

// Deletes the job's folder and what it has elsewhere.
void remove_job(const JobPaths& paths);

}  // namespace stream
