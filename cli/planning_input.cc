#include "cli/planning_input.h"

#include <cstdio>
#include <utility>

namespace stream {

Result<FixedOptions> PlanningInput::found_before(const StageQuestion& question) {
  if (!earlier_plan_) return FixedOptions();
  STREAM_ASSIGN(const std::string earlier, earlier_plan_());
  if (earlier.empty()) return FixedOptions();
  STREAM_ASSIGN(const JobPlan plan, plan_from_json(earlier));
  return found_in(plan, question);
}

Result<InputSample> PlanningInput::sample(std::uint64_t bytes_max) {
  if (!refused_.empty()) return usage_error(refused_);
  announce_terminal();
  STREAM_TRY(input_.gather(bytes_max));
  return InputSample{std::string(input_.bytes()), input_.ended(), input_.exhausted(bytes_max)};
}

void PlanningInput::announce_terminal() {
  if (!input_.terminal() || std::exchange(announced_, true)) return;
  std::fprintf(stderr, "stream: reads standard input from this terminal; Ctrl-D ends it\n");
}

}  // namespace stream
