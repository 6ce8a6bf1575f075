// PlanningInput: standard input as the planner looks at it, and what an earlier run has found there.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "supervisor/sampling_asker.h"
#include "transport/base/sampled_input.h"

namespace stream {

class PlanningInput final : public InputSampler {
 public:
  // Not given: looking is refused with this reason.
  void refuse(std::string why) { refused_ = std::move(why); }
  // Gives the plan, as JSON, of what the job will go on from: what was found then holds on. "" = there is none.
  void look_up(std::function<Result<std::string>()> earlier_plan) { find_earlier_ = std::move(earlier_plan); }

  // Of the pipeline that is planned next: what its stages were called.
  void evolve(const std::vector<EvolvedStage>& stages) { evolve_ = stages; }

  Result<FixedOptions> found_before(const StageQuestion& question) override;
  Result<InputSample> sample(std::uint64_t bytes_max) override;

  // What was looked at is all there is, and it is nothing.
  bool empty() const { return input_.ended() && input_.bytes().empty(); }

  // Says, once, that a person is being waited for. Nothing if standard input is no terminal.
  void announce_terminal();
  bool terminal() const { return input_.terminal(); }

  // For whoever reads on: with what was looked at.
  SampledInput take() { return std::move(input_); }

 private:
  SampledInput input_{0, system_clock()};
  std::string refused_;
  std::function<Result<std::string>()> find_earlier_;  // until it has been asked
  std::optional<JobPlan> earlier_;
  std::vector<EvolvedStage> evolve_;
  bool announced_ = false;
};

}  // namespace stream
