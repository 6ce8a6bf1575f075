#include "supervisor/state_fit.h"

#include <algorithm>

#include "snapshot/table_fit.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct StageView {
  const StageSpec& spec;
  const PlannedStage& planned;

  const std::vector<TableSpec>& state() const { return planned.answer.state; }
  bool sink() const { return planned.role == StageRole::kSink; }
};

// Rows prepared for a sink as it was, which only that sink can write.
constexpr const char* kSettle =
    ", but has rows to write still; 'stream resume' the job as it was, then 'stream stop' it";

std::vector<StageView> stages_of(const JobPlan& plan) {
  std::vector<StageView> stages;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) stages.push_back({plan.pipeline.stages[i], plan.stages[i]});
  return stages;
}

const StageView* find(const std::vector<StageView>& stages, const std::string& name) {
  const auto found = std::ranges::find_if(stages, [&](const StageView& view) { return view.spec.name == name; });
  return found == stages.end() ? nullptr : &*found;
}

std::string said(const AnsweredTarget& target) {
  return "'" + target.path + "'" + (target.part.empty() ? "" : ", " + target.part);
}

std::string targets_of(const StageView& view) {
  std::vector<std::string> all;
  for (const AnsweredTarget& target : view.planned.answer.writes) all.push_back(said(target));
  return all.empty() ? "nothing" : join(all, ", ");
}

class Fitting {
 public:
  Fitting(const JobPlan& kept, const JobPlan& wanted, bool settled)
      : kept_(stages_of(kept)), wanted_(stages_of(wanted)), settled_(settled) {
    if (kept.pipeline.key_groups != wanted.pipeline.key_groups) {
      fit_.misfits.push_back("key-groups was " + std::to_string(kept.pipeline.key_groups) + " and is " +
                             std::to_string(wanted.pipeline.key_groups) +
                             " now; 'stream state reshard' changes it in a savepoint");
    }
  }

  StateFit run() {
    for (const StageView& before : kept_) {
      const StageView* now = find(wanted_, before.spec.name);
      if (now == nullptr)
        gone(before);
      else
        compare(before, *now);
    }
    for (const StageView& now : wanted_) {
      if (find(kept_, now.spec.name) == nullptr && !now.state().empty()) {
        fit_.notes.push_back("stage '" + now.spec.name + "' is new: it begins without state");
      }
    }
    return std::move(fit_);
  }

 private:
  // What is pending in an outbox must be written.
  bool matters(const TableSpec& table) const { return !settled_ || table.distribution != Distribution::kOutbox; }

  void misfit(const StageView& stage, const std::string& why) {
    fit_.misfits.push_back("stage '" + stage.spec.name + "': " + why);
  }

  void gone(const StageView& before) {
    if (before.state().empty() || (before.sink() && settled_)) return;
    std::string line = "stage '" + before.spec.name + "' is gone";
    line += before.sink() ? ": rows it has to write still would be lost" : ", and its state with it";
    if (const StageView* renamed = only_new(before)) {
      line += "; if it is '" + renamed->spec.name + "' now, leave it its name: state is found by it";
    }
    fit_.lost.push_back(line);
  }

  // The one new stage of the same program, if there is just one.
  const StageView* only_new(const StageView& before) const {
    const StageView* only = nullptr;
    for (const StageView& now : wanted_) {
      if (now.spec.run != before.spec.run || find(kept_, now.spec.name) != nullptr) continue;
      if (only != nullptr) return nullptr;
      only = &now;
    }
    return only;
  }

  void compare(const StageView& before, const StageView& now) {
    if (before.spec.run != now.spec.run) {
      if (!before.state().empty()) misfit(now, "it was " + before.spec.run + " and is " + now.spec.run + " now");
      return;
    }
    for (const TableSpec& table : before.state()) {
      if (matters(table)) compare_table(now, table);
    }
    if (now.sink() && !settled_ && targets_of(before) != targets_of(now)) {
      misfit(now, "it wrote to " + targets_of(before) + " and would write to " + targets_of(now) + kSettle);
    }
  }

  void compare_table(const StageView& stage, const TableSpec& kept) {
    const auto wanted = std::ranges::find(stage.state(), kept.name, &TableSpec::name);
    if (wanted == stage.state().end()) {
      const std::string means = kept.definition.empty() ? "" : " (" + kept.definition + ")";
      return misfit(stage, "state table '" + kept.name + "'" + means + " would be lost");
    }
    const TableFit fit = fit_table(kept, *wanted);
    const bool pending = kept.distribution == Distribution::kOutbox;
    for (const std::string& why : fit.misfits) {
      misfit(stage, pending ? why + kSettle : "state table '" + kept.name + "': " + why);
    }
    if (pending) return;
    for (const std::string& column : fit.added) {
      fit_.notes.push_back("stage '" + stage.spec.name + "': column '" + column + "' of state table '" + kept.name +
                           "' is new: it counts from here on");
    }
  }

  std::vector<StageView> kept_;
  std::vector<StageView> wanted_;
  bool settled_;
  StateFit fit_;
};

}  // namespace

std::string StateFit::report(const std::string& first) const {
  std::string text = first;
  for (const std::string& line : misfits) text += "\n  " + line;
  for (const std::string& line : lost) text += "\n  " + line + " (--allow-non-restored-state drops it)";
  return text;
}

StateFit fit_state(const JobPlan& kept, const JobPlan& wanted, bool settled) {
  return Fitting(kept, wanted, settled).run();
}

}  // namespace stream
