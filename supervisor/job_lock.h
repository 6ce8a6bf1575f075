// Who may touch a job: record locks (fcntl(2)) on two bytes of JOB/job.lock.
//
//   byte 0  the job's folder: a lock of the open file, inherited by the instances, so that it is free
//           only when the last of them is gone. Also taken, for a moment, by a verb that reads the
//           store of a job without a supervisor.
//   byte 1  the supervisor's place: a lock of the process, which no child inherits, so that it is free
//           the moment the supervisor dies.
//
// Asking takes no lock, so that looking at a job never stands in the way of starting it.
#pragma once

#include <sys/types.h>

#include "supervisor/job_paths.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// How long to wait for a killed supervisor and for its instances, which end within milliseconds.
inline constexpr Microseconds kLockPatience = 10'000'000;

class JobLock {
 public:
  // For a supervisor. Errors: kFailed if there is one, or if the instances of the last one have not
  // ended within `patience`.
  static Result<JobLock> take(const JobPaths& paths, Microseconds patience = kLockPatience);

  // For a verb that reads or changes the store of a job which nobody runs. Errors: as take().
  static Result<JobLock> visit(const JobPaths& paths, Microseconds patience = kLockPatience);

  // The process that supervises the job; 0 if none does. Not for the supervisor itself: a process that
  // closes any descriptor of a file loses its own locks on it.
  static pid_t supervisor(const JobPaths& paths);
  static bool runs(const JobPaths& paths) { return supervisor(paths) != 0; }

  JobLock(JobLock&& other) noexcept;
  JobLock& operator=(JobLock&& other) noexcept;
  ~JobLock();

  // What instances inherit; closed by exec unless told otherwise.
  int descriptor() const { return fd_; }

 private:
  static Result<JobLock> open(const JobPaths& paths);
  explicit JobLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace stream
