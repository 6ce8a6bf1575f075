#include "supervisor/state_trial.h"

#include "snapshot/restore.h"
#include "stages/expression/row_language.h"

namespace stream {

Status try_conversions(const CheckpointIndex& index, const std::string& folder, const JobPlan& plan,
                       const StateFit& fit) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string& name = plan.pipeline.stages[i].name;
    const auto found = fit.evolutions.find(name);
    if (found == fit.evolutions.end()) continue;
    const StageEvolution& evolution = found->second;
    RestoreSource source = restore_source(index, evolution.was.empty() ? name : evolution.was, folder, false);
    source.evolution = evolution;
    const RestoreTarget whole{0, 1, plan.pipeline.key_groups, &sql_language()};
    const Status tried = try_conversions(source, whole, plan.stages[i].answer.state);
    if (!tried.ok()) return {tried.code(), "stage '" + name + "': " + tried.what()};
  }
  return {};
}

}  // namespace stream
