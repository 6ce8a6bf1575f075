// What the instances of a running job keep, row by row: the other end of stages/kit/live_lookup.h.
#pragma once

#include <memory>

#include "snapshot/workbench/live_module.h"
#include "supervisor/job_paths.h"
#include "supervisor/tap_listener.h"

namespace stream {

class LiveJob {
 public:
  // Errors: kFailed if the job does not run, and those of asking it.
  static Result<std::unique_ptr<LiveJob>> open(const JobPaths& job);

  const LiveState& state() const { return state_; }

 private:
  explicit LiveJob(JobPaths job) : job_(std::move(job)) {}
  Status read_plan();
  Result<std::optional<Batch>> look_up(const ViewedTable& table, const Batch& key);
  Result<std::string> wait_for_answer(TapListener& listener) const;

  JobPaths job_;
  LiveState state_;
};

}  // namespace stream
