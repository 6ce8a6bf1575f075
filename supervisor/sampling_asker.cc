#include "supervisor/sampling_asker.h"

namespace stream {

Result<StageAnswer> SamplingAsker::ask(const StageInfo& info, const StageQuestion& question) {
  StageQuestion again = question;
  STREAM_ASSIGN(FixedOptions before, input_.found_before(question));
  again.options = options_with(question.options, before);
  STREAM_ASSIGN(StageAnswer answer, stages_.ask(info, again));
  if (!before.empty()) answer.fixed = std::move(before);
  while (answer.sample_bytes != 0) {
    if (again.sample && again.sample->exhausted) return corrupt("plan: wants more of standard input than there is");
    STREAM_ASSIGN(again.sample, input_.sample(answer.sample_bytes));
    STREAM_ASSIGN(answer, stages_.ask(info, again));
  }
  return answer;
}

FixedOptions found_in(const JobPlan& plan, const StageQuestion& question) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    if (spec.name == question.stage && spec.run == question.run && spec.options == question.options) {
      return plan.stages[i].answer.fixed;
    }
  }
  return {};
}

}  // namespace stream
