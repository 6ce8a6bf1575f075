#include "stages/aggregate/design.h"

#include <algorithm>
#include <set>

#include "stages/kit/option_window.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// Each step returns false and leaves error() behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, const Schema& input) : options_(options), input_(input) {}

  bool run(const std::string& stage, bool supervised);
  AggregateDesign& design() { return design_; }
  const PlanError& error() const { return error_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }
  bool find_by();
  bool set_emit(bool supervised);
  bool set_window(bool supervised);
  bool compile();
  bool check_names();
  bool check_retractions();
  void lay_out(const std::string& stage);
  void lay_out_call(std::size_t call);
  void lay_out_distinct(std::size_t call, const std::string& name);
  std::string call_name(std::size_t call) const;
  std::string window_text() const;
  std::size_t add(const std::string& name, Type type, std::string means, bool zero);

  const Values& options_;
  const Schema& input_;
  AggregateDesign design_;
  PlanError error_;
  std::set<std::string> taken_;  // lower case: SQLite tells no more apart
};

bool Designer::find_by() {
  for (const std::string& name : options_.list("by")) {
    const auto at = input_.find(name);
    if (!at) {
      const std::string near = did_you_mean(name, input_.names());
      return fail("by", "no column '" + name + "'", near.empty() ? "" : near.substr(2));
    }
    if (std::ranges::find(design_.by, *at) != design_.by.end()) return fail("by", "'" + name + "' stands twice");
    design_.by.push_back(*at);
  }
  return true;
}

bool Designer::set_window(bool supervised) {
  if (!options_.has("window")) {
    if (options_.duration("lateness") != 0)
      return fail("lateness", "there is no window that could be kept for late rows");
    if (options_.text("zone") != "UTC") return fail("zone", "there is no window that could be aligned to a zone");
    return true;
  }
  const auto spec = parse_window(options_.text("window"));
  if (!spec.ok()) return fail("window", spec.status().what());
  if (spec->kind != WindowSpec::Kind::kTumble) {
    return fail("window", "'" + options_.text("window") + "' is not there; the windows there are: tumble DURATION");
  }
  if (!input_.time) {
    return fail("window", "a window needs event time, and the input has none",
                supervised ? "name the column that holds it, on the stage that reads the records: `time: COLUMN` in a "
                             "manifest, --time COLUMN in a pipeline"
                           : "name the column that holds it: --time COLUMN");
  }
  auto windows = TumbleWindows::make(spec->size, options_.text("zone"));
  if (!windows.ok()) return fail("zone", windows.status().what());
  design_.windows = *windows;
  design_.time = *input_.time;
  design_.lateness = options_.duration("lateness");
  if (design_.lateness < 0) return fail("lateness", "lateness cannot be negative");
  return true;
}

bool Designer::set_emit(bool supervised) {
  if (!design_.windowed()) {
    design_.updates = options_.has("emit") ? options_.text("emit") == "updates" : supervised;
    return true;
  }
  if (options_.text("emit") == "updates") {
    return fail("emit", "a window is emitted when it is complete, not at every change");
  }
  if (options_.text("emit") == "final" && design_.lateness > 0) {
    return fail("emit", "with lateness a window that was emitted may change");
  }
  return true;
}

bool Designer::compile() {
  std::vector<SelectText> items;
  for (const SelectItem& item : options_.select("compute")) items.push_back({item.name, item.text});
  SelectError error;
  auto aggregation = compile_aggregates(items, input_, design_.by, &error);
  if (!aggregation) {
    error_ = plan_error("compute", error.error);
    return false;
  }
  design_.aggregation = *std::move(aggregation);
  return check_names();
}

bool Designer::check_names() {
  if (!design_.windowed()) return true;
  for (const char* name : {"window_start", "window_end"}) {
    for (const std::size_t column : design_.by) {
      if (input_.fields[column].name == name)
        return fail("by", "'" + std::string(name) + "' is the name of a column the window adds");
    }
    for (const AggregateOutput& output : design_.aggregation.outputs) {
      if (output.name == name)
        return fail("compute", "'" + std::string(name) + "' is the name of a column the window adds");
    }
  }
  return true;
}

// What a minimum or a set of values was before a row came cannot be told from what it is now.
bool Designer::check_retractions() {
  design_.retracts = input_.changelog == Changelog::kUpdates;
  if (!design_.retracts) return true;
  for (const AggregateCall& call : design_.aggregation.calls) {
    const bool extreme = call.function == AggregateFunction::kMin || call.function == AggregateFunction::kMax;
    if (!extreme && !call.distinct) continue;
    return fail(
        "compute", call.text + " cannot be kept where rows are taken back: the input's rows may change",
        extreme ? "min and max need an input of insertions only" : "DISTINCT needs an input of insertions only");
  }
  return true;
}

std::size_t Designer::add(const std::string& name, Type type, std::string means, bool zero) {
  std::string unique = name.empty() ? "value" : name;
  while (!taken_.insert(lower(unique)).second) unique += '_';
  design_.table.add_value({unique, type}, std::move(means), zero);
  return design_.table.columns() - 1;
}

std::string identifier(std::string_view text) {
  std::string out;
  for (const char c : lower(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

std::string Designer::call_name(std::size_t call) const {
  for (const AggregateOutput& output : design_.aggregation.outputs) {
    if (output.expression.as_column() == design_.by.size() + call) return output.name;
  }
  return identifier(design_.aggregation.calls[call].text);
}

// Sums of whole numbers for an average never overflow 128 bits; DECIMAL has its own bound.
Type sum_type(const AggregateCall& call) {
  if (call.function == AggregateFunction::kSum) return call.result_type;
  if (call.argument_type == kBigint) return decimal_type(38, 0);
  if (call.argument_type.kind == TypeKind::kDecimal) return decimal_type(38, call.argument_type.scale);
  return call.argument_type;
}

void Designer::lay_out_call(std::size_t index) {
  const AggregateCall& call = design_.aggregation.calls[index];
  const std::string name = call_name(index);
  CallState& state = design_.calls.emplace_back();
  switch (call.function) {
    case AggregateFunction::kCount: state.value = add(name, kBigint, call.definition, true); break;
    case AggregateFunction::kMin:
    case AggregateFunction::kMax: state.value = add(name, call.argument_type, call.definition, false); break;
    case AggregateFunction::kSum:
      state.value = add(name, sum_type(call), call.definition, design_.retracts);
      if (design_.retracts) state.count = add(name + "_count", kBigint, "values of " + call.definition, true);
      break;
    case AggregateFunction::kAvg:
      state.value = add(name + "_sum", sum_type(call), "sum of " + call.definition, true);
      state.count = add(name + "_count", kBigint, "values of " + call.definition, true);
      break;
  }
  if (call.distinct) lay_out_distinct(index, name);
}

void Designer::lay_out_distinct(std::size_t index, const std::string& name) {
  TableSpec spec;
  const std::string base = design_.table.name + "_" + identifier(name);
  spec.name = base;
  const auto same = [&](const TableSpec& other) { return other.name == spec.name; };
  for (int n = 2; std::ranges::any_of(design_.distinct, same); ++n) spec.name = base + "_" + std::to_string(n);
  if (!design_.global()) spec.key = design_.table.key;
  std::string value = "value";
  while (std::ranges::any_of(spec.key, [&](const Field& field) { return lower(field.name) == value; })) value += '_';
  spec.key.push_back({value, design_.aggregation.calls[index].argument_type});
  spec.group_columns = design_.table.group_columns;
  spec.ordered = design_.table.ordered;
  spec.definition = design_.aggregation.calls[index].definition;
  if (design_.windowed()) spec.definition += ", " + window_text();
  design_.calls[index].distinct = design_.distinct.size();
  design_.distinct.push_back(std::move(spec));
}

std::string Designer::window_text() const {
  const std::string zone = options_.text("zone");
  return "tumble " + format_duration(design_.windows->size()) + " of " + input_.fields[design_.time].name +
         (zone == "UTC" ? "" : " in " + zone);
}

void Designer::lay_out(const std::string& stage) {
  TableSpec& table = design_.table;
  table.name = table_name(stage);
  table.group_columns = design_.by.size();
  for (const std::size_t column : design_.by) table.key.push_back(input_.fields[column]);
  if (design_.windowed()) {
    table.key.push_back({"window_start", kTimestamp});
    table.ordered = "window_start";
    table.definition = window_text();
  }
  if (design_.retracts) table.definition += std::string(table.definition.empty() ? "" : " of ") + "rows that change";
  if (design_.global()) table.key.push_back({"all_rows", kBoolean});
  for (const Field& field : table.key) taken_.insert(lower(field.name));
  for (std::size_t i = 0; i < design_.aggregation.calls.size(); ++i) lay_out_call(i);
  if (design_.retracts) design_.row_count = add("row_count", kBigint, "rows", true);
  if (design_.lateness > 0) design_.fired = add("fired", kBoolean, "windows kept by lateness", true);
}

bool Designer::run(const std::string& stage, bool supervised) {
  if (!find_by() || !set_window(supervised) || !set_emit(supervised) || !compile() || !check_retractions())
    return false;
  lay_out(stage);
  return true;
}

}  // namespace

std::string table_name(std::string_view stage) {
  std::string name = identifier(stage);
  if (name.empty() || name.front() < 'a' || name.front() > 'z') name = "s_" + name;
  return name;
}

std::optional<AggregateDesign> design_aggregate(const Values& options, const Schema& input, const std::string& stage,
                                                bool supervised, PlanError* error) {
  Designer designer(options, input);
  if (designer.run(stage, supervised)) return std::move(designer.design());
  *error = designer.error();
  return std::nullopt;
}

}  // namespace stream
