#include <algorithm>

#include "supervisor/plan_passes.h"

namespace stream {
namespace {

// An instance that gets the rows of so many is busier than they are, as adding a row up costs less than making it.
// Below that combining costs a hop and saves no time, so it is not done unasked.
constexpr std::uint32_t kSendersUnasked = 4;
constexpr std::uint64_t kMemory = 128ULL << 20;  // it keeps a few thousand groups

class CombiningPass {
 public:
  CombiningPass(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems)
      : plan_(plan), catalogue_(catalogue), asker_(asker), problems_(problems) {}

  void run() {
    for (std::size_t at = 0; at < plan_.stages.size(); ++at) {
      if (!plan_.stages[at].answer.combining) continue;
      const bool asked = plan_.stages[at].answer.combining->asked;
      const std::string why = why_not(at);
      if (!why.empty()) {
        if (asked) plan_.stages[at].answer.warnings.push_back("rows are not combined in front of it: " + why);
      } else if (asked || senders_of(at) >= kSendersUnasked) {
        if (!insert_before(at)) return;
        ++at;
      }
    }
  }

 private:
  std::string why_not(std::size_t at) const {
    const PlannedStage& stage = plan_.stages[at];
    const std::vector<std::string>& whole = stage.answer.combining->unless_read;
    std::uint32_t senders = 0;
    for (const PlannedEdge& edge : plan_.edges) {
      if (edge.from == at && std::ranges::find(whole, stage.outputs[edge.output].name) != whole.end())
        return "its output '" + stage.outputs[edge.output].name + "' is read, and gives rows as they were";
      if (edge.to != at) continue;
      const std::uint32_t parallelism = plan_.stages[edge.from].parallelism;
      if (senders != 0 && senders != parallelism) return "its inputs differ in parallelism";
      senders = parallelism;
    }
    if (senders == 1 && stage.parallelism == 1) return "one instance sends them to one";
    return "";
  }

  std::string free_name(const std::string& stage) const {
    std::string name = stage + "-combine";
    for (int n = 2; plan_.pipeline.find(name) != nullptr; ++n) name = stage + "-combine-" + std::to_string(n);
    return name;
  }

  // The combining stage takes the place of `at`, which moves behind it.
  bool insert_before(std::size_t at) {
    const AnsweredCombining combining = *plan_.stages[at].answer.combining;
    StageSpec spec = plan_.pipeline.stages[at];
    spec.name = free_name(spec.name);
    spec.options = options_with(spec.options, combining.partial);
    spec.parallelism = senders_of(at);
    spec.parallelism_given = true;
    spec.bounds = {};  // it stands beside those it reads from
    spec.memory_bytes = std::min(spec.memory_bytes, kMemory);
    make_room(at);
    PlannedStage& partial = plan_.stages[at];
    PlannedStage& final = plan_.stages[at + 1];
    StageSpec& behind = plan_.pipeline.stages[at + 1];
    behind.options = options_with(behind.options, combining.final);
    behind.from = {{.stage = spec.name, .output = "out", .name = "", .at = behind.at}};
    partial.parallelism = spec.parallelism;
    partial.inputs = final.inputs;
    plan_.pipeline.stages[at] = std::move(spec);
    if (!ask_stage(plan_, at, catalogue_, asker_, problems_)) return false;
    final.inputs = {{plan_.pipeline.stages[at].name, partial.outputs[0].schema}};
    plan_.edges.push_back({.from = at, .output = 0, .to = at + 1, .input = 0});
    return ask_stage(plan_, at + 1, catalogue_, asker_, problems_);
  }

  std::uint32_t senders_of(std::size_t at) const {
    const auto edge = std::ranges::find(plan_.edges, at, &PlannedEdge::to);
    return plan_.stages[edge->from].parallelism;
  }

  // A stage at this place; all that led to the one that was there leads to it.
  void make_room(std::size_t at) {
    const auto place = static_cast<std::ptrdiff_t>(at);
    plan_.pipeline.stages.insert(plan_.pipeline.stages.begin() + place, StageSpec{});
    plan_.stages.insert(plan_.stages.begin() + place, PlannedStage{});
    for (PlannedEdge& edge : plan_.edges) {
      if (edge.from >= at) ++edge.from;
      if (edge.to > at) ++edge.to;
    }
    for (std::size_t& stage : plan_.order) stage += stage >= at ? 1 : 0;
    plan_.order.insert(std::ranges::find(plan_.order, at + 1), at);
  }

  JobPlan& plan_;
  Catalogue& catalogue_;
  StageAsker& asker_;
  Problems& problems_;
};

}  // namespace

void plan_combining(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems) {
  CombiningPass(plan, catalogue, asker, problems).run();
}

}  // namespace stream
