#include "stages/join/design.h"

#include <algorithm>

#include "stages/join/layout.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::vector<SelectText> select_texts(const Values& options) {
  std::vector<SelectText> out;
  for (const SelectItem& item : options.select("columns")) out.push_back({item.name, item.text});
  return out;
}

Schema joint_schema(const std::array<JoinSide, 2>& sides) {
  Schema joint{.fields = sides[0].schema.fields, .time = {}, .key = {}};
  joint.fields.insert(joint.fields.end(), sides[1].schema.fields.begin(), sides[1].schema.fields.end());
  return joint;
}

// Each step returns false and leaves error() behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, std::string stage) : options_(options), stage_(std::move(stage)) {}

  bool run(const std::vector<PlanInput>& inputs);
  JoinDesign& design() { return design_; }
  const PlanError& error() const { return error_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }
  bool compile();
  bool find_equal();
  bool bound();
  bool keep_for(const SelectItem& item);
  void prune();
  void choose_changelog();
  void choose_time();
  void choose_key();
  std::optional<std::size_t> copy_of(std::size_t side, std::size_t column) const;
  std::optional<std::vector<std::size_t>> copies_of_key(std::size_t side) const;
  bool one_partner(std::size_t side) const;
  bool appends() const;
  std::optional<std::size_t> joint_time(std::size_t side) const;

  const Values& options_;
  std::string stage_;
  JoinDesign design_;
  PlanError error_;
};

std::optional<std::size_t> Designer::joint_time(std::size_t side) const {
  const std::optional<std::size_t>& time = design_.sides[side].schema.time;
  return time ? std::optional(design_.first(side) + *time) : std::nullopt;
}

bool Designer::appends() const {
  return std::ranges::all_of(design_.sides,
                             [](const JoinSide& side) { return side.schema.changelog == Changelog::kAppend; });
}

bool Designer::compile() {
  design_.joint = joint_schema(design_.sides);
  const std::array inputs = {
      InputColumns{design_.sides[0].name, 0, design_.sides[0].schema.fields.size()},
      InputColumns{design_.sides[1].name, design_.first(1), design_.sides[1].schema.fields.size()}};
  ExpressionError wrong;
  auto condition =
      compile_join_condition(options_.text("on"), design_.joint, inputs, joint_time(0), joint_time(1), &wrong);
  if (!condition) {
    error_ = plan_error("on", wrong);
    return false;
  }
  if (condition->rest && !condition->rest->deterministic()) {
    return fail("on", "a condition that is another one each time cannot be kept", "leave out now() and random()");
  }
  design_.condition = *std::move(condition);
  SelectError select;
  auto columns = compile_select(select_texts(options_), design_.joint, &select, inputs);
  if (!columns) {
    error_ = plan_error("columns", select.error);
    return false;
  }
  design_.columns = *std::move(columns);
  return true;
}

bool Designer::find_equal() {
  for (JoinSide& side : design_.sides) side.on.clear();
  for (const EqualColumns& equal : design_.condition.equal) {
    design_.sides[0].on.push_back(equal.left);
    design_.sides[1].on.push_back(equal.right - design_.first(1));
  }
  if (!design_.sides[0].on.empty()) return true;
  const std::string a = design_.sides[0].name;
  const std::string b = design_.sides[1].name;
  return fail("on", "no column of '" + a + "' is equal to one of '" + b + "'",
              "join by at least one pair of columns of one type, as in " + a + ".id = " + b + ".id");
}

// What the condition says of time holds only where no row of the past is taken back.
bool Designer::bound() {
  const std::string& kind = options_.text("kind");
  design_.sides[0].padded = kind == "left" || kind == "full";
  design_.sides[1].padded = kind == "right" || kind == "full";
  const TimeBounds times = appends() ? design_.condition.times : TimeBounds{};
  for (JoinSide& side : design_.sides) side.kept.reset();
  if (times.low) design_.sides[0].kept = -*times.low;
  if (times.high) design_.sides[1].kept = *times.high;
  for (std::size_t i = 0; i < 2; ++i) {
    JoinSide& side = design_.sides[i];
    side.settled = side.kept.has_value();
    design_.sides[1 - i].late_matters = side.settled;
  }
  for (const SelectItem& item : options_.select("ttl")) {
    if (!keep_for(item)) return false;
  }
  return true;
}

// What `ttl` says of one input, or of all whose rows the condition does not let go.
bool Designer::keep_for(const SelectItem& item) {
  std::vector<std::string> names;
  bool found = false;
  for (JoinSide& side : design_.sides) {
    names.push_back(side.name);
    if (!item.name.empty() && side.name != item.name) continue;
    found = true;
    if (side.settled && item.name.empty()) continue;
    if (side.settled)
      return fail("ttl", "the condition says how long rows of '" + side.name + "' are kept", "leave it out");
    if (!side.schema.time) {
      return fail("ttl", "rows are kept by event time, and '" + side.name + "' has none",
                  "name the column that holds it on the stage that reads the records: `time: COLUMN`");
    }
    side.kept = *parse_duration(item.text);
    if (*side.kept < 0) return fail("ttl", "rows cannot be kept for less than no time");
  }
  return found || fail("ttl", "there is no input '" + item.name + "'" + did_you_mean(item.name, names));
}

// Only what the condition, the list and the state itself need is read and kept.
void Designer::prune() {
  std::vector<bool> needed(design_.joint.fields.size());
  for (const EqualColumns& equal : design_.condition.equal) needed[equal.left] = needed[equal.right] = true;
  if (design_.condition.rest) {
    for (const std::size_t column : design_.condition.rest->columns()) needed[column] = true;
  }
  for (const SelectedColumn& column : design_.columns) {
    for (const std::size_t used : column.lineage) needed[used] = true;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    JoinSide& side = design_.sides[i];
    const std::size_t first = design_.first(i);
    if ((side.kept || side.late_matters) && side.schema.time) needed[first + *side.schema.time] = true;
    if (side.schema.changelog == Changelog::kUpdates) {
      for (const std::size_t column : side.schema.key) needed[first + column] = true;
    }
  }
  const std::size_t left = design_.first(1);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<std::size_t> kept;
    for (std::size_t c = 0; c < design_.sides[i].schema.fields.size(); ++c) {
      if (needed[(i == 0 ? 0 : left) + c]) kept.push_back(c);
    }
    design_.sides[i].schema = project(design_.sides[i].schema, kept);
  }
}

// Rows that stand for "no partner so far" are taken back when one comes.
void Designer::choose_changelog() {
  design_.updates = !appends();
  for (const JoinSide& side : design_.sides) design_.updates = design_.updates || (side.padded && !side.settled);
}

// --- what is known of the output ----------------------------------------------------------------

// The output column that is this very column, or one that is equal to it.
std::optional<std::size_t> Designer::copy_of(std::size_t side, std::size_t column) const {
  std::vector<std::size_t> same = {design_.first(side) + column};
  const bool inner = !design_.sides[0].padded && !design_.sides[1].padded;
  for (const EqualColumns& equal : design_.condition.equal) {
    if (inner && equal.left == same[0]) same.push_back(equal.right);
    if (inner && equal.right == same[0]) same.push_back(equal.left);
  }
  for (std::size_t i = 0; i < design_.columns.size(); ++i) {
    const auto plain = design_.columns[i].expression.as_column();
    if (plain && std::ranges::find(same, *plain) != same.end()) return i;
  }
  return std::nullopt;
}

// Where both inputs' rows leave in time, the output has event time: that of one of them, a little late.
void Designer::choose_time() {
  const auto& [left, right] = design_.sides;
  if (!left.settled || !right.settled) return;
  if (!right.padded && (design_.time = copy_of(0, *left.schema.time))) {
    design_.delay = std::max<Microseconds>(0, *left.kept);
  } else if (!left.padded && (design_.time = copy_of(1, *right.schema.time))) {
    design_.delay = std::max<Microseconds>(0, *right.kept);
  }
}

std::optional<std::vector<std::size_t>> Designer::copies_of_key(std::size_t side) const {
  const std::vector<std::size_t>& key = design_.sides[side].schema.key;
  std::vector<std::size_t> copies;
  for (const std::size_t column : key) {
    const auto copy = copy_of(side, column);
    if (!copy) return std::nullopt;
    copies.push_back(*copy);
  }
  return key.empty() ? std::nullopt : std::optional(copies);
}

// A row of the other side has at most one partner here.
bool Designer::one_partner(std::size_t side) const {
  const JoinSide& here = design_.sides[side];
  return !here.schema.key.empty() && std::ranges::all_of(here.schema.key, [&](std::size_t column) {
    return std::ranges::find(here.on, column) != here.on.end();
  });
}

void Designer::choose_key() {
  const auto& [left, right] = design_.sides;
  const auto of_left = copies_of_key(0);
  const auto of_right = copies_of_key(1);
  if (of_left && one_partner(1) && !right.padded) {
    design_.key = *of_left;
  } else if (of_right && one_partner(0) && !left.padded) {
    design_.key = *of_right;
  } else if (of_left && of_right && !left.padded && !right.padded) {
    design_.key = *of_left;
    for (const std::size_t column : *of_right) {
      if (std::ranges::find(design_.key, column) == design_.key.end()) design_.key.push_back(column);
    }
  }
}

bool Designer::run(const std::vector<PlanInput>& inputs) {
  if (inputs.size() != 2) {
    return fail("", "a join needs two inputs",
                "name them: from: {a: orders, b: payments} in a manifest, --in a=ENDPOINT --in b=ENDPOINT by hand");
  }
  for (std::size_t i = 0; i < 2; ++i) {
    design_.sides[i].name = inputs[i].name;
    design_.sides[i].schema = inputs[i].schema;
  }
  if (!compile() || !find_equal() || !bound()) return false;
  prune();
  if (!compile() || !find_equal() || !bound()) return false;
  choose_changelog();
  choose_time();
  choose_key();
  for (std::size_t i = 0; i < 2; ++i) lay_out_side(design_, i, stage_, options_.text("on"));
  return true;
}

}  // namespace

std::optional<JoinDesign> design_join(const Values& options, const std::vector<PlanInput>& inputs,
                                      const std::string& stage, PlanError* error) {
  Designer designer(options, stage);
  if (designer.run(inputs)) return std::move(designer.design());
  *error = designer.error();
  return std::nullopt;
}

}  // namespace stream
