// Where a job's files and sockets are.
//
//   $STREAM_HOME (default $XDG_STATE_HOME/stream, else ~/.local/state/stream)
//     JOB/job.lock            see job_lock.h
//     JOB/job.sqlite          runs, attempts, checkpoints, events: opened only by the lock's holder
//     JOB/checkpoints/  savepoints/  logs/  dead-letter/  scratch/  spool/  inbox/STAGE/
//     JOB/local/              copies, where JOB/checkpoints is a link; see checkpoint_place.h
//     .unpacked/              archives of savepoints while they are read
//   /tmp/stream-UID/HHHHHHHH/  sockets, mode 0700; HHHHHHHH is a hash of the job's folder
#pragma once

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct JobPaths {
  std::string job;
  std::string folder;
  std::string lock() const { return folder + "/job.lock"; }
  std::string store() const { return folder + "/job.sqlite"; }
  std::string checkpoints() const { return folder + "/checkpoints"; }
  std::string savepoints() const { return folder + "/savepoints"; }
  std::string logs() const { return folder + "/logs"; }
  std::string dead_letter() const { return folder + "/dead-letter"; }
  std::string local() const { return folder + "/local"; }
  std::string scratch() const { return folder + "/scratch"; }
  std::string spool() const { return folder + "/spool"; }
  std::string inbox(const std::string& stage) const;
  std::string sockets() const;
  std::string verb_endpoint() const { return "ipc://" + sockets() + "/verbs"; }
};

std::string stream_home();
JobPaths job_paths(const std::string& job);
std::string unpacked_root();  // where archives of savepoints are unpacked while they are read

// Names of all jobs that have a folder, sorted.
std::vector<std::string> list_jobs();

// Makes the folders of the job but that for checkpoints; its socket folder with mode 0700. Errors: kSystem; kFailed if
// the socket folder belongs to somebody else.
Status make_job_folders(const JobPaths& paths);

// A folder for sockets by this name, mode 0700, that is ours. Errors: as make_job_folders().
Result<std::string> make_socket_folder(const std::string& name);

// Deletes the sockets that the processes of earlier attempts have left: nobody listens there.
void remove_old_sockets(const JobPaths& paths);

}  // namespace stream
