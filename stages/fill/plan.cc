#include <algorithm>

#include "stages/fill/fill.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::int64_t kCellsMax = 1'000'000;

class Designer {
 public:
  Designer(const Values& options, const Schema& input, const std::string& stage, PlanError* error)
      : options_(options), input_(input), stage_(stage), error_(error) {}

  std::optional<FillDesign> run() {
    std::vector<std::size_t> by;
    if (!check_input() || !find_columns(options_, "by", input_, &by, error_)) return std::nullopt;
    auto cells = TumbleWindows::make(options_.duration("every"), options_.text("zone"));
    if (!cells.ok()) {
      fail("every", cells.status().what());
      return std::nullopt;
    }
    FillDesign design(stage_, input_, std::move(by), *std::move(cells));
    if (!read_bound(&design) || !read_values(&design)) return std::nullopt;
    design.series.definition = "every " + options_.text("every") + " for " + options_.text("for") +
                               (design.linear ? ", gaps with both ends" : "");
    return design;
  }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  bool check_input() {
    if (!input_.time) {
      return fail(
          "", "gaps are of event time, and the input has none",
          "name the column that holds it on the stage that reads the records: `time: COLUMN`, or use assign-time");
    }
    return input_.changelog == Changelog::kAppend ||
           fail("", "the input's rows may be taken back, and what was made of them would stay",
                "behind an aggregate: without lateness and early results");
  }

  bool read_bound(FillDesign* design) {
    design->bound = options_.duration("for");
    const Microseconds every = options_.duration("every");
    if (design->bound < every) return fail("for", "it is less than one step of " + options_.text("every"));
    return design->bound / every <= kCellsMax ||
           fail("for", "it is more than a million steps of " + options_.text("every"));
  }

  bool read_values(FillDesign* design) {
    std::vector<SelectText> texts;
    for (const SelectItem& item : options_.select("with")) texts.push_back({item.name, item.text});
    SelectError error;
    const auto items = split_select(texts, &error);
    if (!items) {
      *error_ = plan_error("with", error.error);
      return false;
    }
    return std::ranges::all_of(*items, [&](const SelectText& item) { return read_value(item, design); });
  }

  bool read_value(const SelectText& item, FillDesign* design) {
    const auto at = input_.find(item.name);
    if (!at) {
      const std::string near = did_you_mean(item.name, input_.names());
      return fail("with", "no column '" + item.name + "'",
                  near.empty() ? "as in '0 as n, carry as price'" : near.substr(2));
    }
    const auto kind = design->columns[*at].kind;
    if (kind == FilledColumn::Kind::kKey || kind == FilledColumn::Kind::kTime) {
      return fail("with", "'" + item.name + "' tells the gap, and is filled by itself");
    }
    if (item.text == "carry") return keep(FilledColumn::Kind::kCarry, *at, design);
    if (item.text != "linear") return read_constant(item, *at, design);
    const Type type = input_.fields[*at].type;
    if (type != kDouble && type != kBigint)
      return fail("with", "'" + item.name + "' is " + to_string(type) + ", which has no line",
                  "linear takes DOUBLE and BIGINT");
    design->linear = true;
    return keep(FilledColumn::Kind::kLinear, *at, design);
  }

  bool keep(FilledColumn::Kind kind, std::size_t at, FillDesign* design) {
    StateColumnNames names;
    for (std::size_t i = 0; i < design->series.columns(); ++i) names.add(design->series.field(i).name);
    design->columns[at] = {kind, design->series.columns(), design->waiting.columns.column(at), {}};
    design->series.add_value({names.add(input_.fields[at].name), input_.fields[at].type}, "of the last row");
    return true;
  }

  bool read_constant(const SelectText& item, std::size_t at, FillDesign* design) {
    ExpressionError error;
    const auto constant =
        Expression::compile("cast((" + item.text + ") as " + to_string(input_.fields[at].type) + ")", Schema{}, &error);
    if (!constant) {
      return fail("with", "'" + item.text + "' is no constant for '" + item.name + "': " + error.message,
                  "it takes carry, linear, or a constant");
    }
    std::vector<RowError> failed;
    design->columns[at] = {FilledColumn::Kind::kConstant, 0, 0, constant->evaluate(Batch{nullptr, 1, {}, {}}, &failed)};
    return failed.empty() || fail("with", "'" + item.text + "' for '" + item.name + "': " + failed.front().reason);
  }

  const Values& options_;
  const Schema& input_;
  const std::string& stage_;
  PlanError* error_;
};

OutputPlan everything(std::string name, const Schema& schema) {
  OutputPlan output{std::move(name), schema, {}};
  for (const Field& field : schema.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

// Rows that are made differ by their key and the cell.
void set_key(Schema& output, const FillDesign& design) {
  const auto tells = [&](std::size_t column) { return std::ranges::find(output.key, column) != output.key.end(); };
  if (!tells(design.waiting.time) || !std::ranges::all_of(design.waiting.by, tells)) output.key.clear();
}

}  // namespace

FillDesign::FillDesign(const std::string& stage, const Schema& input, std::vector<std::size_t> by, TumbleWindows grid)
    : waiting(state_table_name(stage) + "_waiting", input, std::move(by)),
      cells(std::move(grid)),
      columns(input.fields.size()) {
  StateColumnNames names;
  series.name = state_table_name(stage);
  for (const std::size_t column : waiting.by) {
    columns[column] = {FilledColumn::Kind::kKey, series.key.size(), 0, {}};
    series.key.push_back({names.add(input.fields[column].name), input.fields[column].type});
  }
  if (series.key.empty()) series.key.push_back({names.add("series"), kBigint});
  last = series.columns();
  series.add_value({names.add("last"), kTimestamp}, "time of the last row");
  due = series.columns();
  series.add_value({names.add("due"), kTimestamp}, "");
  series.ordered = series.field(due).name;
  columns[waiting.time].kind = FilledColumn::Kind::kTime;
  const auto end = input.find("window_end");
  if (end && input.fields[waiting.time].name == "window_start" && input.fields[*end].type == kTimestamp) {
    columns[*end].kind = FilledColumn::Kind::kCellEnd;
  }
}

std::optional<FillDesign> design_fill(const Values& options, const Schema& input, const std::string& stage,
                                      PlanError* error) {
  return Designer(options, input, stage, error).run();
}

PlanAnswer plan_fill(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_fill(request.options, input, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(everything("out", input));
  set_key(answer.outputs.back().schema, *design);
  answer.outputs.push_back(everything("late", input));
  InputPlan plan;
  plan.needs = input.names();
  plan.partition = design->waiting.by.empty() ? Partition::kSingle : Partition::kHash;
  for (const std::size_t column : design->waiting.by) plan.partition_columns.push_back(input.fields[column].name);
  answer.inputs.push_back(std::move(plan));
  answer.state = {design->series, design->waiting.spec};
  if (design->waiting.by.empty()) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "without 'by' all rows are one sequence";
  }
  return answer;
}

}  // namespace stream
