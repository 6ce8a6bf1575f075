#include "cli/planning_input.h"

#include <cstdio>
#include <utility>

namespace stream {

Result<FixedOptions> PlanningInput::found_before(const StageQuestion& question) {
  if (find_earlier_) {
    STREAM_ASSIGN(const std::string plan, std::exchange(find_earlier_, nullptr)());
    earlier_.reset();
    if (!plan.empty()) { STREAM_ASSIGN(earlier_, plan_from_json(plan)); }
  }
  if (!earlier_) return FixedOptions();
  StageQuestion then = question;
  const EvolvedStage* renamed = find(evolve_, question.stage);
  if (renamed != nullptr && !renamed->was.empty() && earlier_->pipeline.find(question.stage) == nullptr) {
    then.stage = renamed->was;
  }
  return found_in(*earlier_, then);
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
