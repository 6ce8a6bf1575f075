#include "supervisor/state_claims.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kCombine = "-combine";  // of what stands in front of a stage, see plan_combining()

class Claiming {
 public:
  Claiming(const JobPlan& kept, const JobPlan& wanted) : kept_(stages_of(kept)), wanted_(stages_of(wanted)) {
    claims_.entries = still_to_do(wanted.pipeline.evolve, kept.pipeline.evolve);
    for (const StageView& stage : kept_) names_.push_back(stage.spec.name);
  }

  StateClaims run() {
    for (const EvolvedStage& entry : claims_.entries) {
      if (entry.drop) drop(entry);
    }
    for (const EvolvedStage& entry : claims_.entries) {
      if (!entry.was.empty()) rename(entry);
    }
    for (const StageView& stage : wanted_) {
      if (claims_.sources.contains(stage.spec.name) || !find(kept_, stage.spec.name)) continue;
      if (claims_.claimant(stage.spec.name) == nullptr) claims_.sources[stage.spec.name] = stage.spec.name;
    }
    for (const EvolvedStage& entry : claims_.entries) check(entry);
    return std::move(claims_);
  }

 private:
  void problem(const Place& at, const std::string& what) {
    claims_.problems.push_back(to_string(at) + ": 'evolve': " + what);
  }

  void drop(const EvolvedStage& entry) {
    if (find(kept_, entry.name) != nullptr) return claims_.dropped.push_back(entry.name);
    problem(entry.at, "there is no state of a stage '" + entry.name + "' to drop" + did_you_mean(entry.name, names_));
  }

  void rename(const EvolvedStage& entry) {
    if (find(kept_, entry.was) == nullptr) {
      const bool done = find(kept_, entry.name) != nullptr;
      return problem(entry.at, "there is no state of a stage '" + entry.was + "'" +
                                   (done ? "; it is called '" + entry.name + "' there already: leave 'was' out"
                                         : did_you_mean(entry.was, names_)));
    }
    if (const std::string* other = claims_.claimant(entry.was)) {
      return problem(entry.at, "the state of '" + entry.was + "' is taken up by '" + *other + "'");
    }
    const EvolvedStage* itself = stream::find(claims_.entries, entry.was);
    if (find(wanted_, entry.was) != nullptr && (itself == nullptr || itself->was.empty())) {
      return problem(entry.at, "there is a stage '" + entry.was + "' still, and it takes up its state itself");
    }
    claims_.sources[entry.name] = entry.was;
    const std::string combines = entry.name + std::string(kCombine);
    const std::string combined = entry.was + std::string(kCombine);
    if (find(wanted_, combines) && find(kept_, combined)) claims_.sources[combines] = combined;
  }

  // Columns and tables of a stage that has no state.
  void check(const EvolvedStage& entry) {
    if (entry.drop || !entry.was.empty() || claims_.sources.contains(entry.name)) return;
    problem(entry.at, "there is no state of a stage '" + entry.name + "'" + did_you_mean(entry.name, names_));
  }

  std::vector<StageView> kept_;
  std::vector<StageView> wanted_;
  std::vector<std::string> names_;
  StateClaims claims_;
};

}  // namespace

std::vector<StageView> stages_of(const JobPlan& plan) {
  std::vector<StageView> stages;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) stages.push_back({plan.pipeline.stages[i], plan.stages[i]});
  return stages;
}

const StageView* find(const std::vector<StageView>& stages, const std::string& name) {
  const auto found = std::ranges::find_if(stages, [&](const StageView& view) { return view.spec.name == name; });
  return found == stages.end() ? nullptr : &*found;
}

const std::string* StateClaims::claimant(const std::string& kept) const {
  for (const auto& [wanted, source] : sources) {
    if (source == kept) return &wanted;
  }
  return nullptr;
}

bool StateClaims::drops(const std::string& kept) const { return std::ranges::find(dropped, kept) != dropped.end(); }

StateClaims claim_state(const JobPlan& kept, const JobPlan& wanted) { return Claiming(kept, wanted).run(); }

}  // namespace stream
