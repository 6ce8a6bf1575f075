// SamplingAsker: asks stages on behalf of the planner. What one has found in its input before is kept; those that
// read standard input get a look at it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "supervisor/plan.h"
#include "supervisor/stage_answer.h"

namespace stream {

// Where a look at standard input comes from, and at what was found before.
class InputSampler {
 public:
  virtual ~InputSampler() = default;
  // What an earlier run of the job has found for the stage and keeps; empty: nothing, or its options differ.
  virtual Result<FixedOptions> found_before(const StageQuestion& question) = 0;
  // The beginning, each time more of it than the last unless it is exhausted. May wait for whoever writes.
  // Errors: kUsage with the reason if there is no input to look at.
  virtual Result<InputSample> sample(std::uint64_t bytes_max) = 0;
};

class SamplingAsker final : public StageAsker {
 public:
  // Both must outlive this.
  SamplingAsker(StageAsker& stages, InputSampler& input) : stages_(stages), input_(input) {}

  Result<StageAnswer> ask(const StageInfo& info, const StageQuestion& question) override;

 private:
  StageAsker& stages_;
  InputSampler& input_;
};

// What the plan of an earlier run keeps for the stage, if it had the same name, program and options.
FixedOptions found_in(const JobPlan& plan, const StageQuestion& question);

}  // namespace stream
