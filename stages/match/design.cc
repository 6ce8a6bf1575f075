#include "stages/match/design.h"

#include <algorithm>

#include "stages/expression/canonical.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/row_text.h"
#include "stages/kit/state_names.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::vector<SelectText> select_texts(const Values& options, std::string_view name) {
  std::vector<SelectText> out;
  for (const SelectItem& item : options.select(name)) out.push_back({item.name, item.text});
  return out;
}

// Each step returns false and leaves the error behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, const Schema& input, PlanError* error) : options_(options), error_(error) {
    design_.input = input;
  }

  bool run(const std::string& stage) {
    if (!check_input() || !find_columns(options_, "by", design_.input, &design_.by, error_) || !read_order()) {
      return false;
    }
    if (!read_pattern() || !compile() || !read_within() || !read_skip() || !check_names()) return false;
    lay_out(stage);
    return true;
  }
  MatchDesign& design() { return design_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }
  bool fail(std::string option, const ExpressionError& wrong) {
    *error_ = plan_error(std::move(option), wrong);
    return false;
  }

  bool check_input() {
    if (design_.input.changelog == Changelog::kUpdates) {
      return fail("", "the input's rows may be taken back, and a match that was given cannot be",
                  "match the rows before they are aggregated");
    }
    if (design_.input.time) return true;
    return fail("", "rows are matched in the order of event time, and the input has none",
                "name the column that holds it on the stage that reads the records: `time: COLUMN`");
  }

  // SQL wants the event time first; it may be written, and is there in any case.
  bool read_order() {
    if (!options_.has("order")) return true;
    auto order = parse_ordering(options_.text("order"), design_.input, "order", error_);
    if (!order) return false;
    if (order->front().column == *design_.input.time) {
      if (order->front().descending) return fail("order", "event time only goes forward", "leave out desc");
      order->erase(order->begin());
    }
    design_.order = *std::move(order);
    return true;
  }

  bool read_pattern() {
    ExpressionError wrong;
    auto pattern = parse_pattern(options_.text("pattern"), &wrong);
    if (!pattern) return fail("pattern", wrong);
    design_.pattern = *std::move(pattern);
    return true;
  }

  bool compile() {
    const auto define = select_texts(options_, "define");
    const auto measures = select_texts(options_, "measures");
    PatternError wrong;
    auto expressions =
        compile_pattern_expressions({design_.pattern.variables, define, measures}, design_.input, &wrong);
    if (!expressions) return fail(wrong.in_define ? "define" : "measures", wrong.error);
    design_.expressions = *std::move(expressions);
    for (const PatternValue& value : design_.expressions.values) design_.back = std::max(design_.back, value.back);
    design_.all_rows = options_.text("rows") == "all";
    if (design_.by.empty() && !design_.all_rows && measures.empty()) {
      return fail("measures", "there is nothing to give of a match", "name what: first(A.ts) as began");
    }
    return true;
  }

  bool read_within() {
    if (!options_.has("within")) return true;
    design_.within = options_.duration("within");
    return *design_.within > 0 || fail("within", "a match cannot last less than no time");
  }

  bool read_skip() {
    const std::string text(trim(options_.text("skip")));
    if (text == "past-last-row") return true;
    design_.skip.to = MatchSkip::To::kNextRow;
    if (text == "to-next-row") return true;
    const std::size_t blank = text.find_first_of(" \t");
    const std::string_view to = std::string_view(text).substr(0, blank);
    if ((to != "to-first" && to != "to-last") || blank == std::string::npos) {
      return fail("skip", "'" + text + "' is none of the ways to go on",
                  "they are past-last-row, to-next-row, to-first VARIABLE and to-last VARIABLE");
    }
    design_.skip.to = to == "to-first" ? MatchSkip::To::kFirst : MatchSkip::To::kLast;
    return find_skip_variable(std::string(trim(text.substr(blank))));
  }

  bool find_skip_variable(const std::string& name) {
    const std::vector<std::string>& variables = design_.pattern.variables;
    const auto same = [&](const std::string& variable) { return lower(variable) == lower(name); };
    const auto found = std::ranges::find_if(variables, same);
    if (found == variables.end()) {
      const std::string near = did_you_mean(name, variables);
      return fail("skip", "the pattern has no variable '" + name + "'",
                  near.empty() ? "its variables are " + join(variables, ", ") : near.substr(2));
    }
    design_.skip.variable = static_cast<std::size_t>(found - variables.begin());
    const auto begins_with_it = [&](std::uint32_t position) {
      return design_.pattern.variable_of[position] == design_.skip.variable;
    };
    if (design_.skip.to == MatchSkip::To::kFirst &&
        std::ranges::all_of(design_.pattern.first.positions, begins_with_it)) {
      return fail("skip", "every match begins with '" + *found + "': the same would be found for ever",
                  "to-next-row goes on as early as possible");
    }
    return true;
  }

  bool check_names() {
    std::vector<std::string> given;
    for (std::size_t i = 0; i < design_.input.fields.size(); ++i) {
      if (design_.all_rows || std::ranges::find(design_.by, i) != design_.by.end())
        given.push_back(design_.input.fields[i].name);
    }
    std::vector<std::string> measured;
    for (const PatternMeasure& measure : design_.expressions.measures) {
      const std::string message = "two columns are called '" + measure.name + "'";
      if (std::ranges::find(given, measure.name) != given.end()) {
        const char* which = design_.all_rows ? "all columns of the input" : "the columns of 'by'";
        return fail("measures", message, std::string(which) + " are given in any case: choose another name");
      }
      if (std::ranges::find(measured, measure.name) != measured.end()) {
        return fail("measures", message, "name one of them: … as other_name");
      }
      measured.push_back(measure.name);
    }
    return true;
  }

  // --- the state table --------------------------------------------------------------------------
  std::size_t add_key(const Field& field) {
    design_.table.key.push_back({names_.add(field.name), field.type});
    return design_.table.key.size() - 1;
  }
  std::size_t add_value(const std::string& name, Type type, std::string means) {
    design_.table.add_value({names_.add(name), type}, std::move(means));
    return design_.table.columns() - 1;
  }
  void keep_column(std::size_t column) {
    if (design_.columns[column] != kNone) return;
    const Field& field = design_.input.fields[column];
    design_.columns[column] = add_value(field.name, field.type, "");
  }

  void lay_out(const std::string& stage) {
    TableSpec& table = design_.table;
    table.name = state_table_name(stage);
    table.definition = definition();
    design_.columns.assign(design_.input.fields.size(), kNone);
    for (const std::size_t column : design_.by) design_.columns[column] = add_key(design_.input.fields[column]);
    if (design_.by.empty()) add_key({"all_rows", kBoolean});
    table.group_columns = table.prefix = table.key.size();
    design_.arrival = add_key({"arrival", kBigint});
    keep_column(*design_.input.time);
    for (const OrderColumn& order : design_.order) keep_column(order.column);
    for (std::size_t column = 0; design_.all_rows && column < design_.columns.size(); ++column) keep_column(column);
    for (const PatternColumn& kept : design_.expressions.kept) {
      if (const auto column = kept.expression.as_column()) {
        keep_column(*column);
        design_.kept.push_back(design_.columns[*column]);
      } else {
        design_.kept.push_back(add_value(state_identifier(kept.name), kept.expression.type(), kept.name));
      }
    }
    design_.holds = add_value("holds", kBigint, "bit by bit: the row may match this variable");
    // Rows that are only looked back at are told apart from those that may still be matched.
    design_.open = design_.back == 0 ? design_.time() : add_value("open", kTimestamp, "event time, while matchable");
    table.ordered = table.field(design_.open).name;
  }

  // With another pattern or condition other rows would be there, and with other measures other columns of them.
  std::string definition() const {
    std::string out = "rows of " + design_.pattern.text;
    const auto add = [&](std::string_view option) {
      std::vector<std::string> texts;
      for (const SelectItem& item : options_.select(option)) {
        texts.push_back(expression::canonical_text(item.text, design_.input) +
                        (item.name.empty() ? "" : " as " + item.name));
      }
      if (!texts.empty()) out += ", " + std::string(option) + " " + join(texts, ", ");
    };
    add("define");
    add("measures");
    if (!design_.order.empty()) out += ", by " + to_string(design_.order, design_.input);
    if (design_.within) out += ", within " + format_duration(*design_.within);
    if (design_.all_rows) out += ", all columns";
    return out;
  }

  const Values& options_;
  PlanError* error_;
  MatchDesign design_;
  StateColumnNames names_;
};

}  // namespace

std::optional<MatchDesign> design_match(const Values& options, const Schema& input, const std::string& stage,
                                        PlanError* error) {
  Designer designer(options, input, error);
  if (!designer.run(stage)) return std::nullopt;
  return std::move(designer.design());
}

}  // namespace stream
