#include "stages/join/layout.h"

#include <algorithm>

#include "stages/expression/canonical.h"
#include "stages/kit/state_names.h"
#include "transport/base/text.h"

namespace stream {
namespace {

bool contains(const std::vector<std::size_t>& columns, std::size_t column) {
  return std::ranges::find(columns, column) != columns.end();
}

RowIdentity identity_of(const Schema& schema) {
  if (schema.changelog == Changelog::kAppend) return RowIdentity::kSequence;
  return schema.key.empty() ? RowIdentity::kContent : RowIdentity::kKey;
}

// Two columns may be compared with one of the other side each, or one with two: the key has each once.
std::vector<std::size_t> key_columns(const JoinSide& side) {
  std::vector<std::size_t> key;
  const auto wanted = [&](std::size_t column) {
    return side.identity == RowIdentity::kContent ||
           (side.identity == RowIdentity::kKey && contains(side.schema.key, column));
  };
  for (std::size_t column = 0; column < side.schema.fields.size(); ++column) {
    if (wanted(column) && !contains(side.on, column)) key.push_back(column);
  }
  return key;
}

// What the rows are kept for: with another condition of time others would be there.
std::string definition_of(const JoinSide& side, const JoinSide& other) {
  std::string names;
  for (std::size_t i = 0; i < side.on.size(); ++i) {
    names += (i == 0 ? "" : ", ") + side.schema.fields[side.on[i]].name + " = " + other.schema.fields[other.on[i]].name;
  }
  std::string text = "rows to join by " + names;
  if (side.kept) text += ", kept " + format_duration(*side.kept) + " of " + side.schema.fields[*side.schema.time].name;
  return text;
}

class Layout {
 public:
  explicit Layout(JoinSide& side) : side_(side) { side.columns.assign(side.schema.fields.size(), kNone); }

  void add_key(std::size_t column) {
    side_.columns[column] = side_.table.key.size();
    side_.table.key.push_back({names_.add(side_.schema.fields[column].name), side_.schema.fields[column].type});
  }
  std::size_t add_sequence() {
    side_.table.key.push_back({names_.add("arrival"), kBigint});
    return side_.table.key.size() - 1;
  }
  void add_rest() {
    for (std::size_t column = 0; column < side_.columns.size(); ++column) {
      if (side_.columns[column] != kNone) continue;
      side_.columns[column] = side_.table.columns();
      const Field& field = side_.schema.fields[column];
      side_.table.add_value({names_.add(field.name), field.type}, "");
    }
  }
  std::size_t add_count(const char* name, std::string means) {
    side_.table.add_value({names_.add(name), kBigint}, std::move(means), true);
    return side_.table.columns() - 1;
  }

 private:
  JoinSide& side_;
  StateColumnNames names_;
};

}  // namespace

void lay_out_side(JoinDesign& design, std::size_t index, const std::string& stage, std::string_view condition) {
  JoinSide& side = design.sides[index];
  side.identity = identity_of(side.schema);
  side.key = key_columns(side);
  side.table.name = state_table_name(stage + "_" + side.name);
  side.table.definition = definition_of(side, design.sides[1 - index]);
  Layout layout(side);
  for (const std::size_t column : side.on) layout.add_key(column);
  side.table.group_columns = side.table.prefix = side.on.size();
  for (const std::size_t column : side.key) layout.add_key(column);
  if (side.identity == RowIdentity::kSequence) side.sequence = layout.add_sequence();
  layout.add_rest();
  if (side.identity == RowIdentity::kContent) side.copies = layout.add_count("copies", "equal rows");
  if (side.padded) {
    side.matches = layout.add_count("matches", "partners where " + expression::canonical_text(condition, design.joint));
  }
  side.table.append_only = side.identity == RowIdentity::kSequence && side.matches == kNone;
  if (side.kept) side.table.ordered = side.table.field(side.columns[*side.schema.time]).name;
}

}  // namespace stream
