// One stage on its way to Flink: its options, its inputs, and what of it is refused.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/parse.h"
#include "stages/expression/select_list.h"
#include "supervisor/flink/script.h"
#include "supervisor/plan.h"

namespace stream::flink {

// What a stage's output is there: a table or a view.
struct Relation {
  std::string name;  // as it is written
  Schema schema;
  bool event_time = false;           // it has the column event_time, which says what time it is
  bool changes = false;              // rows of it may be taken back
  std::optional<std::size_t> table;  // of Output::tables, if it is one
  Microseconds window_step = 0;      // the rows are of windows, of which one begins every so often
};

struct Output {
  std::vector<Table> tables;
  std::vector<Statement> views;  // in order; a table stands as a statement without text that is made at the end
  std::vector<std::pair<std::size_t, std::size_t>> order;  // views before it, table
  std::vector<std::string> inserts;
  std::string event_time;  // the name of that column, which no schema has
};

class Stage {
 public:
  Stage(const JobPlan& plan, std::size_t at, std::vector<Relation> inputs, Output& output, Problems& problems);

  const StageSpec& spec() const { return spec_; }
  const Schema& schema() const { return planned_.outputs.front().schema; }
  const PlannedStage& planned() const { return planned_; }
  const Relation& input(std::size_t at = 0) const { return inputs_[at]; }
  std::size_t inputs() const { return inputs_.size(); }
  const std::string& input_name(std::size_t at) const { return planned_.inputs[at].name; }
  Output& output() { return output_; }
  const std::string& folder() const { return plan_.pipeline.folder_of(spec_); }
  const PipelineSpec& pipeline() const { return plan_.pipeline; }

  bool has(std::string_view option) const;
  std::string text(std::string_view option, std::string_view fallback = {}) const;
  std::vector<std::string> list(std::string_view option) const;  // of a list, or the parts between commas
  std::vector<SelectText> select(std::string_view option) const;
  bool flag(std::string_view option) const;
  std::optional<Microseconds> duration(std::string_view option) const;
  // The columns of the input that the option lists, by their names.
  std::vector<std::size_t> columns(std::string_view option) const;

  void refuse(std::string_view option, const std::string& what, const std::string& advice = {});
  void refuse(std::string_view option, const expression::Failure& failure);
  void refuse_stage(const std::string& what, const std::string& advice = {});
  bool refused() const { return refused_; }

  std::string name(std::string_view suffix = {}) const;  // of the stage, as it is written
  // The columns of a schema that the type table has; refuses the others.
  std::vector<std::string> column_definitions(const Schema& schema);
  Table& add_table(Table table);
  // What the view makes, and of what: "SELECT" is put before the columns.
  Relation add_view(const std::vector<std::string>& columns, const std::string& rest, bool event_time, bool changes,
                    const std::string& more_comment = {});
  std::string comment() const;  // which stage it is

 private:
  const nlohmann::ordered_json* find(std::string_view option) const;

  const JobPlan& plan_;
  const StageSpec& spec_;
  const PlannedStage& planned_;
  std::vector<Relation> inputs_;
  Output& output_;
  Problems& problems_;
  nlohmann::ordered_json options_;
  bool refused_ = false;
};

// A stage that there is a counterpart of.
struct StageRow {
  std::string_view run;
  std::string_view flink;    // for people: what it becomes
  std::string_view options;  // that are translated, or mean nothing there; separated by blanks
  Relation (*translate)(Stage& stage);
};
std::span<const StageRow> stage_rows();

// Options without a counterpart, and what can be done.
struct RefusedOption {
  std::string_view run;  // "" = of any stage
  std::string_view option;
  std::string_view advice;
};
std::span<const RefusedOption> refused_options();

// Stages without a counterpart, and what can be done.
struct RefusedStage {
  std::string_view run;
  std::string_view advice;
};
std::span<const RefusedStage> refused_stages();

// What is in the files of the option path, as a table called after the stage.
Table file_table(Stage& stage, std::string_view suffix, const Schema& schema);

Relation read_file(Stage& stage);
Relation read_kafka(Stage& stage);
Relation generate(Stage& stage);
Relation assign_time(Stage& stage);
Relation filter(Stage& stage);
Relation select(Stage& stage);
Relation aggregate(Stage& stage);
Relation join(Stage& stage);
Relation lookup(Stage& stage);
Relation top_n(Stage& stage);
Relation dedup(Stage& stage);
Relation print(Stage& stage);
Relation write_null(Stage& stage);
Relation write_file(Stage& stage);
Relation write_kafka(Stage& stage);

}  // namespace stream::flink
