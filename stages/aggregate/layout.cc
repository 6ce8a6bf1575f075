// Where an aggregate keeps what: the columns of its state tables.
#include <algorithm>

#include "stages/aggregate/design.h"
#include "stages/aggregate/fired_groups.h"
#include "stages/aggregate/squares.h"
#include "stages/kit/state_names.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// Sums of whole numbers for an average never overflow 128 bits; DECIMAL has its own bound.
Type sum_type(const AggregateCall& call) {
  if (call.function == AggregateFunction::kSum) return call.result_type;
  if (call.argument_type == kBigint) return decimal_type(38, 0);
  if (call.argument_type.kind == TypeKind::kDecimal) return decimal_type(38, call.argument_type.scale);
  return call.argument_type;
}

// What a table of values holds.
Type value_type(const AggregateCall& call) {
  if (call.function == AggregateFunction::kApproxQuantile) return kBigint;
  return call.function == AggregateFunction::kJsonAgg || call.function == AggregateFunction::kJsonObjectAgg
             ? kVarchar
             : call.argument_type;
}

class Layout {
 public:
  Layout(AggregateDesign& design, const Schema& input, const std::string& window)
      : design_(design), input_(input), window_(window) {}
  void run(const std::string& stage);

 private:
  void lay_out_session();
  void lay_out_call(std::size_t call);
  void lay_out_squares(const AggregateCall& call, const std::string& name, CallState& state);
  void lay_out_values(std::size_t call, const std::string& name);
  void lay_out_shared(std::size_t call, const std::string& name);
  std::string free_table_name(const std::string& name) const;
  bool needs_values(const AggregateCall& call) const;
  bool shares_values(const AggregateCall& call) const;
  bool by_time(const AggregateCall& call) const;
  ValueOrder list_order() const;
  std::string ordered_definition(const AggregateCall& call) const;
  std::string call_name(std::size_t call) const;
  void lay_out_touched();
  std::size_t add(const std::string& name, Type type, std::string means, bool zero);

  AggregateDesign& design_;
  const Schema& input_;
  const std::string& window_;
  StateColumnNames names_;
};

std::size_t Layout::add(const std::string& name, Type type, std::string means, bool zero) {
  design_.table.add_value({names_.add(name), type}, std::move(means), zero);
  return design_.table.columns() - 1;
}

std::string Layout::call_name(std::size_t call) const {
  for (const AggregateOutput& output : design_.aggregation.outputs) {
    if (output.expression.as_column() == design_.by.size() + call) return output.name;
  }
  return state_identifier(design_.aggregation.calls[call].text);
}

void Layout::lay_out_call(std::size_t index) {
  const AggregateCall& call = design_.aggregation.calls[index];
  const std::string name = call_name(index);
  CallState& state = design_.calls.emplace_back();
  const auto add_count = [&] { state.count = add(name + "_count", kBigint, "values of " + call.definition, true); };
  switch (kept_by(call)) {
    case Keeps::kCount: state.value = add(name, kBigint, call.definition, true); break;
    case Keeps::kExtreme: state.value = add(name, call.argument_type, call.definition, false); break;
    case Keeps::kSum:
      if (call.function == AggregateFunction::kSum) {
        state.value = add(name, sum_type(call), call.definition, design_.retracts);
        if (design_.retracts) add_count();
        break;
      }
      state.value = add(name + "_sum", sum_type(call), "sum of " + call.definition, true);
      add_count();
      break;
    case Keeps::kSquares:
      lay_out_squares(call, name, state);
      add_count();
      break;
    case Keeps::kTruths:
      state.value = add(name + "_decided", kBigint, "rows that decide " + call.definition, true);
      add_count();
      break;
    case Keeps::kRow:
      state.value = add(name, call.argument_type, ordered_definition(call), false);
      if (by_time(call)) state.time = add(name + "_time", kTimestamp, ordered_definition(call), false);
      break;
    case Keeps::kSketch: state.value = add(name + "_sketch", kBlob, call.definition, false); break;
    case Keeps::kList:
      if (!call.distinct) state.order = list_order();
      state.value = add(name + "_bytes", kBigint, "length of " + ordered_definition(call), true);
      if (state.order == ValueOrder::kArrival) add_count();
      break;
    case Keeps::kSpread: break;
  }
  if (shares_values(call))
    lay_out_shared(index, name);
  else if (needs_values(call))
    lay_out_values(index, name);
}

// Sums of whole numbers are exact; of DOUBLE they would lose what squares differ by.
void Layout::lay_out_squares(const AggregateCall& call, const std::string& name, CallState& state) {
  if (call.argument_type == kDouble) {
    state.value = add(name + "_mean", kDouble, "mean of " + call.definition, true);
    state.squares = add(name + "_squares", kDouble, "squared distances of " + call.definition, true);
    return;
  }
  state.value = add(name + "_sum", sum_type(call), "sum of " + call.definition, true);
  state.square_parts = call.argument_type == kBigint ? kSquareParts / 2 : kSquareParts;
  for (std::size_t i = 0; i < state.square_parts; ++i) {
    const std::size_t column = add(name + "_squares_" + std::to_string(i), decimal_type(38, 0),
                                   "squares, bits from " + std::to_string(i * 64) + ", of " + call.definition, true);
    if (i == 0) state.squares = column;
  }
}

bool Layout::needs_values(const AggregateCall& call) const {
  const Keeps keeps = kept_by(call);
  return call.distinct || keeps == Keeps::kList || keeps == Keeps::kSpread ||
         (keeps == Keeps::kExtreme && design_.retracts);
}

// Where nobody reads the values and none goes before its group: all that is asked is whether one is there.
bool Layout::shares_values(const AggregateCall& call) const {
  const Keeps keeps = kept_by(call);
  const bool read = keeps == Keeps::kList || keeps == Keeps::kSpread || keeps == Keeps::kExtreme;
  return call.distinct && !read && !design_.retracts && !design_.counted() && !design_.sessions() && !design_.sliced();
}

bool Layout::by_time(const AggregateCall& call) const {
  return design_.order != kNone && call.function != AggregateFunction::kAnyValue;
}

// Where rows are taken back and have no time, which of equal ones came first cannot be told.
ValueOrder Layout::list_order() const {
  if (design_.order != kNone) return ValueOrder::kTime;
  return design_.retracts ? ValueOrder::kAny : ValueOrder::kArrival;
}

std::string Layout::ordered_definition(const AggregateCall& call) const {
  if (call.distinct || call.function == AggregateFunction::kAnyValue) return call.definition;
  if (design_.order != kNone) return call.definition + " by " + input_.fields[design_.order].name;
  return call.definition + (design_.retracts ? "" : " as they come");
}

std::string Layout::free_table_name(const std::string& name) const {
  const std::string base = design_.table.name + "_" + state_identifier(name);
  std::string free = base;
  const std::string fired = design_.sliced() ? FiredGroups::spec(design_.table).name : "";
  for (int n = 2;
       free == fired || std::ranges::find(design_.distinct, free, &TableSpec::name) != design_.distinct.end(); ++n)
    free = base + "_" + std::to_string(n);
  return free;
}

// One table for all DISTINCT calls over the same argument, whatever their filters: a row a value, a column a call.
void Layout::lay_out_shared(std::size_t index, const std::string& name) {
  const AggregateCall& call = design_.aggregation.calls[index];
  CallState& state = design_.calls[index];
  std::string definition = call.arguments_definition;
  if (!window_.empty()) definition += ", " + window_;
  const auto same = [&](const TableSpec& spec) {
    return spec.definition == definition && spec.key.back().type == call.argument_type;
  };
  auto found = std::ranges::find_if(design_.distinct, same);
  if (found == design_.distinct.end()) {
    TableSpec spec;
    spec.name = free_table_name(call.arguments_definition);
    if (!design_.global()) spec.key = design_.table.key;
    spec.key.push_back({free_name("value", spec.key), call.argument_type});
    spec.group_columns = design_.table.group_columns;
    if (design_.ttl) spec.prefix = design_.group_columns();
    spec.ordered = design_.table.ordered;
    spec.definition = definition;
    found = design_.distinct.insert(design_.distinct.end(), std::move(spec));
  }
  StateColumnNames names;
  for (std::size_t i = 0; i < found->columns(); ++i) names.add(found->field(i).name);
  found->add_value({names.add(name), kBoolean}, call.definition, true);
  state.distinct = static_cast<std::size_t>(found - design_.distinct.begin());
  state.seen = found->columns() - 1;
}

void Layout::lay_out_values(std::size_t index, const std::string& name) {
  TableSpec spec;
  spec.name = free_table_name(name);
  if (!design_.global()) spec.key = design_.table.key;
  const AggregateCall& call = design_.aggregation.calls[index];
  CallState& state = design_.calls[index];
  if (state.order == ValueOrder::kTime) spec.key.push_back({free_name("at", spec.key), kTimestamp});
  if (state.order == ValueOrder::kArrival) spec.key.push_back({free_name("arrival", spec.key), kBigint});
  spec.key.push_back({free_name("value", spec.key), value_type(call)});
  // Values are read group by group; windows of so many rows are cleared, sessions become one, and windows that have
  // fired are computed again for the groups of late rows.
  const Keeps keeps = kept_by(call);
  const bool read = keeps == Keeps::kList || keeps == Keeps::kSpread || keeps == Keeps::kExtreme;
  if (read || design_.counted() || design_.sessions() || design_.ttl || (design_.sliced() && design_.lateness > 0))
    spec.prefix = design_.group_columns();
  spec.group_columns = design_.table.group_columns;
  if (!design_.sessions()) spec.ordered = design_.table.ordered;
  spec.definition = read ? ordered_definition(call) : call.definition;
  if (!window_.empty()) spec.definition += ", " + window_;
  if (read || design_.retracts) {
    spec.add_value({free_name("times", spec.key), kBigint}, "rows", true);
    state.times = spec.columns() - 1;
  }
  state.distinct = design_.distinct.size();
  design_.distinct.push_back(std::move(spec));
}

// Sessions of a group are told apart by a time that stays as it is when rows come before the first.
void Layout::lay_out_session() {
  std::vector<Field>& key = design_.table.key;
  if (key.empty()) key.push_back({"all_rows", kBoolean});
  design_.table.prefix = key.size();
  design_.session.key = key.size();
  key.push_back({free_name("session", key), kTimestamp});
}

// What is merged by another is not kept for long: it says when its rows touch the group.
void Layout::lay_out_touched() {
  if (!design_.ttl) return;
  if (!design_.partial) return add_touched(design_.table, *design_.ttl, names_.add("touched"), input_);
  if (!design_.ttl->time) return;
  design_.touched_first = add("touched_first", kTimestamp, "", false);
  design_.touched_last = add("touched_last", kTimestamp, "", false);
}

void Layout::run(const std::string& stage) {
  TableSpec& table = design_.table;
  table.name = state_table_name(stage);
  table.group_columns = design_.by.size();
  for (const std::size_t column : design_.by) table.key.push_back(input_.fields[column]);
  if (design_.sessions()) {
    lay_out_session();
  } else if (design_.windowed()) {
    table.ordered = design_.sliced() ? free_name("slice_start", table.key) : "window_start";
    table.key.push_back({table.ordered, kTimestamp});
  }
  table.definition = window_;
  if (design_.retracts) table.definition += std::string(table.definition.empty() ? "" : " of ") + "rows that change";
  if (design_.global()) table.key.push_back({"all_rows", kBoolean});
  for (const Field& field : table.key) names_.add(field.name);
  if (design_.sessions()) {
    design_.session.start = add("window_start", kTimestamp, "", false);
    design_.session.last = add("last_row", kTimestamp, "", false);
    design_.session.due = add("due", kTimestamp, "", false);
    table.ordered = table.field(design_.session.due).name;
  }
  for (std::size_t i = 0; i < design_.aggregation.calls.size(); ++i) lay_out_call(i);
  if (design_.retracts || design_.counted() || design_.partial)
    design_.row_count = add("row_count", kBigint, "rows", true);
  if (design_.sessions()) design_.overflow = add("overflow", kBoolean, "", true);
  if (design_.lateness > 0 && !design_.sliced())
    design_.fired = add("fired", kBoolean, "windows kept by lateness", true);
  lay_out_touched();
}

// The same table without the start of the slice, its column `at`; never in a snapshot.
void drop_slice(TableSpec& spec, std::size_t at) {
  spec.ordered.clear();
  if (spec.prefix != 0) --spec.prefix;
  spec.group_columns = 0;
  spec.key.erase(spec.key.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

Keeps kept_by(const AggregateCall& call) {
  switch (call.function) {
    case AggregateFunction::kCount: return Keeps::kCount;
    case AggregateFunction::kSum:
    case AggregateFunction::kAvg: return Keeps::kSum;
    case AggregateFunction::kMin:
    case AggregateFunction::kMax: return Keeps::kExtreme;
    case AggregateFunction::kVarPop:
    case AggregateFunction::kVarSamp:
    case AggregateFunction::kStddevPop:
    case AggregateFunction::kStddevSamp: return Keeps::kSquares;
    case AggregateFunction::kBoolAnd:
    case AggregateFunction::kBoolOr: return Keeps::kTruths;
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
    case AggregateFunction::kAnyValue: return Keeps::kRow;
    case AggregateFunction::kApproxCountDistinct: return Keeps::kSketch;
    case AggregateFunction::kApproxQuantile:
    case AggregateFunction::kMedian: return Keeps::kSpread;
    case AggregateFunction::kStringAgg:
    case AggregateFunction::kJsonAgg:
    case AggregateFunction::kJsonObjectAgg: break;
  }
  return Keeps::kList;
}

void lay_out_tables(AggregateDesign& design, const Schema& input, const std::string& stage, const std::string& window) {
  Layout(design, input, window).run(stage);
}

std::string free_name(std::string name, std::span<const Field> taken) {
  while (std::ranges::any_of(taken, [&](const Field& field) { return lower(field.name) == name; })) name += '_';
  return name;
}

AggregateDesign merged_design(const AggregateDesign& sliced) {
  AggregateDesign merged = sliced;
  merged.time = kNone;
  merged.slices.reset();
  merged.window.reset();
  merged.lateness = 0;
  merged.bounds = WindowBounds::kGiven;
  const std::size_t at = sliced.window_start();
  const std::size_t shift = at == 0 ? 0 : 1;
  drop_slice(merged.table, at);
  for (TableSpec& spec : merged.distinct) drop_slice(spec, at);
  if (merged.table.key.empty()) merged.table.key.push_back({free_name("all_rows", merged.table.value), kBoolean});
  for (CallState& state : merged.calls) {
    for (std::size_t* column : {&state.value, &state.count, &state.time, &state.squares}) {
      if (*column != kNone) *column -= shift;
    }
    if (state.times != kNone) --state.times;
  }
  if (merged.row_count != kNone) merged.row_count -= shift;
  std::vector<Field> taken = merged.table.key;
  taken.insert(taken.end(), merged.table.value.begin(), merged.table.value.end());
  merged.table.add_value({free_name("overflow", taken), kBoolean}, "", true);
  merged.overflow = merged.table.columns() - 1;
  return merged;
}

}  // namespace stream
