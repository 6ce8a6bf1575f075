// OutputClaims: that two running jobs never write one file. Record locks (fcntl(2)) on bytes of one file beside the
// sockets of all jobs of a user, a byte an output: they end with the supervisor, however it ends. Who had an output
// last stands in a file of its name; instances that have outlived that job's supervisor are waited for.
//
// Outputs that are a part of a file, such as a table, may be shared, and so may devices and pipes.
#pragma once

#include <string>

#include "supervisor/job_paths.h"
#include "supervisor/plan.h"

namespace stream {

class OutputClaims {
 public:
  // `paths`: of the job that claims; its folders are there. `shared`: what supervisors of the job have in common that
  // may be on this host as well, "" = there are none; the one that leads has what another of them had, and still holds.
  static Result<OutputClaims> open(const JobPaths& paths, std::string shared = {});
  OutputClaims(OutputClaims&& other) noexcept;
  OutputClaims& operator=(OutputClaims&& other) noexcept;
  ~OutputClaims();

  // Takes those of the plan that it does not have. Errors: kFailed, naming the stage, the output and the other job.
  Status take(const JobPlan& plan);

 private:
  OutputClaims(int fd, std::string folder, JobPaths paths, std::string shared)
      : fd_(fd), folder_(std::move(folder)), paths_(std::move(paths)), shared_(std::move(shared)) {}
  Status take(const std::string& stage, const std::string& path);

  int fd_;
  std::string folder_;  // of who had what
  JobPaths paths_;
  std::string shared_;
};

}  // namespace stream
