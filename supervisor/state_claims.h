// StateClaims: which stage takes up the state of which.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/plan.h"

namespace stream {

struct StageView {
  const StageSpec& spec;
  const PlannedStage& planned;

  const std::vector<TableSpec>& state() const { return planned.answer.state; }
  bool sink() const { return planned.role == StageRole::kSink; }
};

std::vector<StageView> stages_of(const JobPlan& plan);
const StageView* find(const std::vector<StageView>& stages, const std::string& name);

// What is still to be done of the `evolve:` block, by stage.
struct StateClaims {
  std::vector<EvolvedStage> entries;
  std::map<std::string, std::string> sources;  // wanted stage -> kept stage
  std::vector<std::string> dropped;            // kept stages, on purpose
  std::vector<std::string> problems;           // entries that say something of nothing, with their place

  const std::string* claimant(const std::string& kept) const;  // the wanted stage; null if there is none
  bool drops(const std::string& kept) const;
};

StateClaims claim_state(const JobPlan& kept, const JobPlan& wanted);

}  // namespace stream
