// LiveRescale: carries out what RescaleFlow decides, for a JobRunner whose job goes on.
//
// The plan of the job stays the old one until the new instances are ready, so whatever fails before leaves the job as
// it was; then the new plan is made durable before anybody hears that it is done.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/attempt.h"
#include "supervisor/rescale_flow.h"
#include "supervisor/rescale_plan.h"

namespace stream {

class JobRunner;

// From {"stages": [{"stage": "totals", "parallelism": 3}, {"stage": "out", "min": 1, "max": 4}]}. Errors: kUsage.
Result<std::vector<RescaleWish>> rescale_wishes(const std::string& request);

// [{"stage": "out", "min": 1, "max": 4}]: of those that get bounds.
nlohmann::json bounds_of(const std::vector<RescaleWish>& wishes);

class LiveRescale {
 public:
  // Nothing if the job is as it is wished. Errors: kUsage, kFailed: what cannot be, and what can.
  static Result<std::unique_ptr<LiveRescale>> begin(JobRunner& runner, std::vector<RescaleWish> wishes);

  // Often. Errors are failures of the job.
  Status turn(Microseconds now);
  // Acted upon in turn(), when everything else that follows from it is done.
  void on_aborted(Epoch epoch, const std::string& reason) { aborted_ = {epoch, reason}; }
  void on_committed(Epoch epoch) { committed_ = epoch; }
  Status on_holding(InstanceIndex instance, Epoch epoch);
  Status on_detached();
  Status on_retired();
  // Every instance is ready, and no new source reads yet.
  Status on_ready();
  Status start_new();
  // The job fails or ends: its plan is what it was.
  void give_up(const std::string& cause);

  bool over() const { return done_; }
  const RescaleFlow& flow() const { return flow_; }

 private:
  LiveRescale(JobRunner& runner, std::vector<RescaleWish> wishes, JobPlan next, RescalePlan steps);
  static std::string why_whole(const JobRunner& runner, const RescalePlan& steps);
  static Status keep(JobRunner& runner, JobPlan next);
  std::set<InstanceIndex> concerned() const;
  std::vector<std::uint32_t> channels_to_hold(InstanceIndex instance) const;
  Status act(const RescaleFlow::Actions& actions);
  Status act(const RescaleAction& action);
  Status release(const std::string& reason);
  Status go_on();
  void tell_failure(const std::string& text);
  Status hold();
  Status send_release();
  Status rewire();
  Status restart();
  Status finish();
  Microseconds stood_still() const;
  std::string changes() const;  // "totals from 2 to 3"
  std::string answer() const;   // JSON
  std::vector<std::string> names_of(const std::set<std::size_t>& stages) const;

  JobRunner& runner_;
  JobPlan before_;
  JobPlan next_;
  RescalePlan steps_;
  std::vector<RescaleWish> wishes_;
  RescaleFlow flow_;
  std::optional<Epoch> committed_;
  std::optional<std::pair<Epoch, std::string>> aborted_;
  bool done_ = false;             // whoever asked has been told
  Microseconds still_since_ = 0;  // wall: since when the old instances do nothing
  std::size_t kept_ = 0;          // processes that go on
};

}  // namespace stream
