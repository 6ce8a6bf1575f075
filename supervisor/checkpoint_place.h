// Where a job's checkpoints are: in the job's folder, or below a folder that several hosts reach (`checkpoint.path`).
//
//   PATH/JOB/           what JOB/checkpoints links to
//   PATH/JOB.owner      the host and folder of the job they belong to: names are the same on many hosts
//
// or in object storage, see checkpoint_storage.h, where JOB/checkpoints is a folder and JOB/checkpoints.storage says
// so.
//
// Everything else goes by JOB/checkpoints and does not see the difference. What was written to PATH keeps a copy in
// JOB/local, on the host that wrote it, from which its instances are restored.
#pragma once

#include <memory>
#include <string>

#include "supervisor/checkpoint_storage.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"

namespace stream {

// Makes JOB/checkpoints; `path` is absolute, or "" for the job's own folder. `keep`: what is there is needed. Errors:
// kFailed if it is needed and elsewhere, or if the place belongs to another job; kSystem. `owner`: of a job that has
// supervisors on several hosts, what they have in common; "" = this host and folder.
Status place_checkpoints(Files& files, const JobPaths& paths, const std::string& path, bool keep,
                         const std::string& owner = {});

// Whether the folder is there and, if there are `any`, has the job's checkpoints: one that is not mounted any more may
// be there, and hold nothing. `path` as above. Errors: kNotFound.
Status check_placed(Files& files, const std::string& path, const std::string& job, bool any);

// Whose checkpoints they are, in a line: `shared`, or this host and folder.
std::string place_owner(const JobPaths& paths, const std::string& shared);

// Below the same folder: dead letters of instances on several hosts.
std::string shared_dead_letter(const std::string& path, const std::string& job);
// … and savepoints.
std::string shared_savepoints(const std::string& path, const std::string& job);
// Makes JOB/dead-letter and JOB/savepoints links to them. Errors: kFailed if there is something of before; kSystem.
Status share_folders(Files& files, const JobPaths& paths, const std::string& path);

// Where the job's checkpoints are in object storage; null: they are not.
Result<std::unique_ptr<CheckpointStorage>> storage_of(const JobPaths& paths);

// "--ha PLACE" of a job that several supervisors stand ready for, whose checkpoints are not this host's alone; "" of
// every other.
std::string shared_place(const JobPaths& paths);

// Deletes every checkpoint of the job, wherever they are, and the copies of them.
Status remove_checkpoints(Files& files, const JobPaths& paths);

// Deletes copies of what is not kept any more. Nothing depends on a copy.
Status forget_local_copies(Files& files, const JobPaths& paths);

// Deletes the job's folder and what it has elsewhere.
void remove_job(const JobPaths& paths);

}  // namespace stream
