#include <algorithm>

#include "stages/match/match.h"

namespace stream {
namespace {

class Planner {
 public:
  explicit Planner(const MatchDesign& design) : design_(design) {}

  OutputPlan output() {
    const Schema& input = design_.input;
    for (const std::size_t column : design_.by) copy(column);
    for (std::size_t column = 0; design_.all_rows && column < input.fields.size(); ++column) {
      if (std::ranges::find(design_.by, column) == design_.by.end()) copy(column);
    }
    for (const PatternMeasure& measure : design_.expressions.measures) add(measure);
    return std::move(output_);
  }

  // The state holds what the options name, whatever is read of the results: what changes behind a match never
  // changes its state.
  InputPlan input() const {
    InputPlan plan;
    for (const std::size_t column : design_.by) plan.partition_columns.push_back(design_.input.fields[column].name);
    plan.partition = design_.by.empty() ? Partition::kSingle : Partition::kHash;
    std::vector<bool> needed(design_.input.fields.size(), design_.all_rows);
    const auto need = [&](const std::vector<std::size_t>& columns) {
      for (const std::size_t column : columns) needed[column] = true;
    };
    need(design_.by);
    need({*design_.input.time});
    for (const OrderColumn& order : design_.order) need({order.column});
    for (const PatternColumn& kept : design_.expressions.kept) need(kept.expression.columns());
    for (const PatternCondition& condition : design_.expressions.conditions) {
      if (condition.of_row) need(condition.of_row->columns());
    }
    for (std::size_t column = 0; column < needed.size(); ++column) {
      if (needed[column]) plan.needs.push_back(design_.input.fields[column].name);
    }
    return plan;
  }

 private:
  void copy(std::size_t column) {
    // Without a bound a match may come for any row of the past.
    if (design_.all_rows && design_.within && column == *design_.input.time) time_here();
    output_.schema.fields.push_back(design_.input.fields[column]);
    output_.lineage.push_back({{0, design_.input.fields[column].name}});
  }

  void add(const PatternMeasure& measure) {
    if (design_.within && !output_.schema.time && is_last_time(measure.expression)) time_here();
    output_.schema.fields.push_back({measure.name, measure.expression.type()});
    std::vector<ColumnRef>& refs = output_.lineage.emplace_back();
    for (const std::size_t column : design_.expressions.lineage(measure.expression)) {
      refs.push_back({0, design_.input.fields[column].name});
    }
  }

  void time_here() { output_.schema.time = output_.schema.fields.size(); }

  bool is_last_time(const Expression& expression) const {
    const auto index = expression.as_column();
    if (!index) return false;
    const PatternValue& value = design_.expressions.values[*index];
    return value.kind == PatternValue::Kind::kLast && value.variable == kAnyVariable && value.offset == 0 &&
           value.back == 0 && design_.expressions.kept[*value.kept].expression.as_column() == *design_.input.time;
  }

  const MatchDesign& design_;
  OutputPlan output_{"out", {}, {}};
};

OutputPlan late_output(const Schema& input) {
  OutputPlan late{"late", input, {}};
  for (const Field& field : input.fields) late.lineage.push_back({{0, field.name}});
  return late;
}

}  // namespace

PlanAnswer plan_match(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  const auto design = design_match(request.options, input, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  Planner planner(*design);
  answer.outputs.push_back(planner.output());
  answer.outputs.push_back(late_output(input));
  answer.inputs.push_back(planner.input());
  answer.state.push_back(design->table);
  if (design->by.empty()) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "without 'by' all rows are one sequence";
  }
  if (!design->within) {
    answer.warnings.push_back(
        "rows of a match that does not end are kept for ever, and the matches have no event time; "
        "say how long one may last: 'within'");
  }
  return answer;
}

}  // namespace stream
