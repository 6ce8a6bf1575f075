// Names in the `evolve:` block that are those of now must be there.
#include <algorithm>

#include "supervisor/plan_passes.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using Names = std::vector<std::string>;

class EvolveCheck {
 public:
  EvolveCheck(const JobPlan& plan, Problems& problems) : plan_(plan), problems_(problems) {
    for (const StageSpec& stage : plan.pipeline.stages) stages_.push_back(stage.name);
  }

  void run() {
    for (const EvolvedStage& stage : plan_.pipeline.evolve) {
      if (!stage.drop) check(stage);
    }
  }

 private:
  void check(const EvolvedStage& stage) {
    const auto at = std::ranges::find(stages_, stage.name);
    if (at == stages_.end()) {
      return problems_.add(stage.at, "'evolve': there is no stage '" + stage.name + "'" +
                                         did_you_mean(stage.name, stages_) + "; was it meant to be dropped?");
    }
    const auto& state = plan_.stages[static_cast<std::size_t>(at - stages_.begin())].answer.state;
    if (state.empty()) return problems_.add(stage.at, "'evolve': stage '" + stage.name + "' keeps no state");
    Names tables;
    for (const TableSpec& table : state) tables.push_back(table.name);
    check_columns("stage '" + stage.name + "'", stage.columns, state);
    for (const EvolvedTable& table : stage.tables) {
      const auto found = std::ranges::find(state, table.name, &TableSpec::name);
      if (found != state.end())
        check_columns("state table '" + table.name + "'", table.columns, {*found});
      else if (!table.drop)
        problems_.add(table.at, "'evolve': stage '" + stage.name + "' has no state table '" + table.name + "'" +
                                    did_you_mean(table.name, tables));
    }
  }

  // A name that was another, or is dropped, need not be that of a column.
  void check_columns(const std::string& of, const std::vector<EvolvedColumn>& columns,
                     const std::vector<TableSpec>& tables) {
    Names names;
    for (const TableSpec& table : tables) {
      for (std::size_t i = 0; i < table.columns(); ++i) names.push_back(table.field(i).name);
    }
    for (const EvolvedColumn& column : columns) {
      if (column.change.convert.empty() && !column.change.fallback) continue;
      if (std::ranges::find(names, column.change.name) != names.end()) continue;
      problems_.add(column.at, "'evolve': the state of " + of + " has no column '" + column.change.name + "'" +
                                   did_you_mean(column.change.name, names));
    }
  }

  const JobPlan& plan_;
  Problems& problems_;
  Names stages_;
};

}  // namespace

void check_evolve(const JobPlan& plan, Problems& problems) { EvolveCheck(plan, problems).run(); }

}  // namespace stream
