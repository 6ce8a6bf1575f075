#include "stages/lookup/design.h"

#include <algorithm>

#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::vector<SelectText> select_texts(const Values& options) {
  std::vector<SelectText> out;
  for (const SelectItem& item : options.select("columns")) out.push_back({item.name, item.text});
  return out;
}

// Each step returns false and leaves the error behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, const PlanInput& input, const Reference& reference, const Schema& columns,
           PlanError* error)
      : options_(options), input_(input), reference_(reference), columns_(columns), error_(error) {}

  bool run(const std::vector<std::string>* wanted) {
    lay_out();
    if (!name_inputs() || !compile_condition() || !compile_columns(wanted) || !find_version()) return false;
    choose_columns();
    return check_cache();
  }
  LookupDesign& design() { return design_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }
  void lay_out();
  bool name_inputs();
  bool compile_condition();
  bool compile_columns(const std::vector<std::string>* wanted);
  bool find_version();
  void choose_columns();
  bool check_cache();
  std::size_t read_position(std::size_t joint) const;

  const Values& options_;
  const PlanInput& input_;
  const Reference& reference_;
  const Schema& columns_;
  PlanError* error_;
  LookupDesign design_;
  std::vector<InputColumns> inputs_;
  std::optional<std::size_t> version_;  // of `joint`
};

void Designer::lay_out() {
  design_.joint.fields = input_.schema.fields;
  design_.input_columns = input_.schema.fields.size();
  design_.joint.fields.insert(design_.joint.fields.end(), columns_.fields.begin(), columns_.fields.end());
  design_.left = options_.text("kind") == "left";
}

bool Designer::name_inputs() {
  const std::size_t count = design_.input_columns;
  if (lower(reference_.alias) == lower(input_.name) || lower(reference_.alias) == "input") {
    return fail("as", "the reference and the input are both called '" + reference_.alias + "'",
                "give the reference another name: as: r");
  }
  inputs_ = {{input_.name, 0, count}, {reference_.alias, count, columns_.fields.size()}};
  if (lower(input_.name) != "input") inputs_.push_back({"input", 0, count});
  return true;
}

bool Designer::compile_condition() {
  ExpressionError wrong;
  auto condition = compile_lookup_condition(options_.text("on"), design_.joint, design_.input_columns, inputs_, &wrong);
  if (!condition) {
    *error_ = plan_error("on", wrong);
    return false;
  }
  design_.condition = *std::move(condition);
  if (!design_.condition.equal.empty()) return true;
  return fail("on", "nothing of the input is equal to a column of '" + reference_.alias + "' of the same type",
              "look up by at least one equality, as in customer_id = " + reference_.alias +
                  ".id; cast(… as type) makes types equal");
}

bool Designer::compile_columns(const std::vector<std::string>* wanted) {
  SelectError select;
  const std::vector<SelectText> texts = select_texts(options_);
  auto columns = wanted == nullptr ? compile_select(texts, design_.joint, &select, inputs_)
                                   : compile_wanted(texts, design_.joint, *wanted, &select, inputs_);
  if (!columns) {
    *error_ = plan_error("columns", select.error);
    return false;
  }
  design_.columns = *std::move(columns);
  return true;
}

bool Designer::find_version() {
  if (!options_.has("version")) return true;
  const std::string& name = options_.text("version");
  const auto column = columns_.find(name);
  if (!column) {
    return fail("version", "the reference has no column '" + name + "'" + did_you_mean(name, columns_.names()));
  }
  if (columns_.fields[*column].type != kTimestamp) {
    return fail("version", "'" + name + "' is " + to_string(columns_.fields[*column].type) + ", not TIMESTAMP",
                "name the column that tells from when on a row is valid, and its type in 'reference-schema'");
  }
  if (!input_.schema.time) {
    return fail("version", "a row gets what was valid at its event time, and the input has none",
                "name the column that holds it on the stage that reads the records: `time: COLUMN`");
  }
  version_ = design_.input_columns + *column;
  design_.event_time = input_.schema.time;
  return true;
}

std::size_t Designer::read_position(std::size_t joint) const {
  return static_cast<std::size_t>(std::ranges::find(design_.joint_of, joint) - design_.joint_of.begin());
}

void Designer::choose_columns() {
  std::vector<bool> needed(design_.joint.fields.size());
  for (const EqualExpression& equal : design_.condition.equal) needed[equal.reference] = true;
  if (design_.condition.rest) {
    for (const std::size_t column : design_.condition.rest->columns()) needed[column] = true;
  }
  for (const SelectedColumn& column : design_.columns) {
    for (const std::size_t used : column.lineage) needed[used] = true;
  }
  if (version_) needed[*version_] = true;
  for (std::size_t column = design_.input_columns; column < needed.size(); ++column) {
    if (!needed[column]) continue;
    design_.joint_of.push_back(column);
    design_.read.fields.push_back(design_.joint.fields[column]);
  }
  for (const EqualExpression& equal : design_.condition.equal) design_.key.push_back(read_position(equal.reference));
  if (version_) design_.version = read_position(*version_);
}

bool Designer::check_cache() {
  for (std::size_t i = 0; i < design_.key.size(); ++i) {
    const std::size_t column = design_.key[i];
    const Field& field = design_.read.fields[column];
    if (std::count(design_.key.begin(), design_.key.end(), column) > 1) {
      return fail("on", "'" + field.name + "' must be equal to two things", "leave one to a filter before this stage");
    }
    if (options_.has("cache") && !found_by_key(reference_.kind, field.type)) {
      return fail("cache", "rows cannot be asked for by '" + field.name + "', which is " + to_string(field.type),
                  "leave out 'cache' to read the whole table");
    }
  }
  return true;
}

}  // namespace

std::optional<LookupDesign> design_lookup(const Values& options, const PlanInput& input, const Reference& reference,
                                          const Schema& columns, const std::vector<std::string>* wanted,
                                          PlanError* error) {
  Designer designer(options, input, reference, columns, error);
  if (designer.run(wanted)) return std::move(designer.design());
  return std::nullopt;
}

}  // namespace stream
