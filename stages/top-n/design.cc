#include "stages/top-n/design.h"

#include <algorithm>

#include "stages/kit/option_columns.h"
#include "stages/kit/state_names.h"

namespace stream {
namespace {

// Each step returns false and leaves the error behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, const Schema& input, PlanError* error) : options_(options), error_(error) {
    design_.input = input;
  }

  bool run(const std::string& stage) {
    if (!find_by() || !read_order() || !read_rank() || !check_changes() || !check_ttl()) return false;
    lay_out(stage);
    return true;
  }
  TopNDesign& design() { return design_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  bool find_by() {
    if (!find_columns(options_, "by", design_.input, &design_.by, error_)) return false;
    design_.windows = std::ranges::any_of(design_.by, [&](std::size_t at) { return at == design_.input.time; });
    return true;
  }

  bool read_order() {
    auto order = parse_ordering(options_.text("order"), design_.input, "order", error_);
    if (!order) return false;
    design_.order = *std::move(order);
    if (options_.integer("limit") < 1) return fail("limit", "at least one row must be kept");
    design_.limit = static_cast<std::uint64_t>(options_.integer("limit"));
    return true;
  }

  bool read_rank() {
    design_.rank = options_.text("rank");
    if (!design_.input.find(design_.rank)) return true;
    return fail("rank", "the input has a column '" + design_.rank + "' already", "choose another name");
  }

  bool check_changes() {
    design_.retracts = design_.input.changelog == Changelog::kUpdates;
    if (!design_.retracts || !design_.input.key.empty()) return true;
    return fail("", "the input's rows may be taken back and have no unique key to find them by",
                "keep its key columns in the select in front");
  }

  bool check_ttl() {
    if (options_.has("ttl") && design_.windows)
      return fail("ttl", "a group is forgotten once event time is past it", "leave it out");
    return read_ttl(options_, design_.input, false, &design_.ttl, error_);
  }

  std::size_t add_key(StateColumnNames& names, const Field& field) {
    design_.table.key.push_back({names.add(field.name), field.type});
    return design_.table.key.size() - 1;
  }

  void lay_out(const std::string& stage) {
    TableSpec& table = design_.table;
    StateColumnNames names;
    design_.columns.assign(design_.input.fields.size(), kNone);
    table.name = state_table_name(stage);
    for (const std::size_t column : design_.by) {
      design_.columns[column] = add_key(names, design_.input.fields[column]);
    }
    if (design_.by.empty()) add_key(names, {"all_rows", kBoolean});
    if (design_.ttl) lay_out_ages();
    table.prefix = table.group_columns = table.key.size();
    table.append_only = !design_.retracts;
    for (const std::size_t column : design_.retracts ? design_.input.key : std::vector<std::size_t>()) {
      if (design_.columns[column] == kNone) design_.columns[column] = add_key(names, design_.input.fields[column]);
    }
    if (!design_.retracts) design_.arrival = add_key(names, {"arrival", kBigint});
    for (std::size_t column = 0; column < design_.columns.size(); ++column) {
      if (design_.columns[column] != kNone) continue;
      design_.columns[column] = table.columns();
      table.add_value({names.add(design_.input.fields[column].name), design_.input.fields[column].type}, "");
    }
    if (design_.retracts) {
      design_.arrival = table.columns();
      table.add_value({names.add("arrival"), kBigint}, "");
    }
    // Of rows that cannot come back those behind the limit are not there.
    const std::string order = to_string(design_.order, design_.input);
    table.definition =
        design_.retracts ? "rows by " + order : "first " + std::to_string(design_.limit) + " rows by " + order;
    if (design_.windows) table.ordered = table.field(design_.columns[*design_.input.time]).name;
  }

  // Rows of a group may never change, so its age stands beside them.
  void lay_out_ages() {
    StateColumnNames names;
    design_.ages.name = design_.table.name + "_touched";
    for (const Field& field : design_.table.key) design_.ages.key.push_back({names.add(field.name), field.type});
    design_.ages.group_columns = design_.ages.key.size();
    design_.ages.definition = "groups";
    add_touched(design_.ages, *design_.ttl, names.add("touched"), design_.input);
  }

  const Values& options_;
  PlanError* error_;
  TopNDesign design_;
};

}  // namespace

std::optional<TopNDesign> design_top_n(const Values& options, const Schema& input, const std::string& stage,
                                       PlanError* error) {
  Designer designer(options, input, error);
  if (!designer.run(stage)) return std::nullopt;
  return std::move(designer.design());
}

}  // namespace stream
