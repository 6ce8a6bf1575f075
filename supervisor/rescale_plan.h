// What another parallelism makes of a plan, and which processes it concerns. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "supervisor/plan.h"

namespace stream {

struct RescaleWish {
  std::string stage;
  std::uint32_t parallelism = 1;              // 0: as it is, as far as its bounds allow
  std::optional<InstanceBounds> bounds = {};  // that it gets
};

// The plan with other numbers of instances: what the stages have answered stays, how rows are spread between them may
// change. Errors: kUsage, saying what is possible: no such stage, a number it cannot have or that its bounds do not
// allow, changes of a row that would arrive in either order.
Result<JobPlan> rescaled(const JobPlan& plan, std::span<const RescaleWish> wishes, const PlanLimits& limits = {});

// A pipeline that goes on after it was rescaled: where it asks for what it asked for when it was submitted, what was
// chosen since holds.
struct KeptRescale {
  JobPlan plan;
  std::vector<std::string> notes;  // what a user must hear, a line each
};
KeptRescale keep_rescaled(const JobPlan& wanted, const JobPlan& before);

// Stages of `after` that have as many instances as they had in `before`, and whose instances are no longer fed one by
// one by what fed them: what one of them has heard of event time is not true for what another one was fed.
std::set<std::size_t> refed_stages(const JobPlan& before, const JobPlan& after);

struct RescalePlan {
  std::set<std::size_t> restarts = {};  // stages whose instances start anew: those below
  std::set<std::size_t> rescaled = {};  // that get another number of them
  std::set<std::size_t> refed = {};     // see refed_stages()
  std::set<std::size_t> rewires = {};   // stages that go on, with other channels to or from those
  std::set<std::size_t> edges = {};     // all of whose channels are replaced
  std::string whole = {};               // why all instances must start anew; "" = they need not

  bool nothing() const { return restarts.empty(); }
};
RescalePlan plan_rescale(const JobPlan& before, const JobPlan& after);

// The channels once the stages are rescaled: those of other edges stay, all others are new, with ids that none of
// `before` has and the attempt of the new instances.
std::vector<Channel> rewired_channels(const std::vector<Channel>& before, const JobPlan& after,
                                      const RescalePlan& steps, Attempt attempt);

}  // namespace stream
