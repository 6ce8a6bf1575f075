#include <algorithm>

#include "stages/dedup/dedup.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/state_names.h"
#include "transport/base/text.h"

namespace stream {
namespace {

class Designer {
 public:
  Designer(const Values& options, const Schema& input, PlanError* error)
      : options_(options), input_(input), error_(error) {}

  bool run(const std::string& stage) {
    design_.last = options_.text("keep") == "last";
    if (!find_columns(options_, "by", input_, &design_.by, error_) || !read_ttl()) return false;
    if (input_.changelog == Changelog::kUpdates) {
      return fail("", "the input's rows may be taken back, and what came before them is not kept",
                  "use top-n with limit 1");
    }
    lay_out(stage);
    return true;
  }
  DedupDesign& design() { return design_; }

 private:
  bool fail(std::string option, std::string message, std::string hint) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  bool read_ttl() {
    if (!options_.has("ttl")) return true;
    design_.ttl = options_.duration("ttl");
    if (*design_.ttl < 0) return fail("ttl", "a key cannot be known for less than no time", "");
    if (input_.time) return true;
    return fail("ttl", "a key is known by event time, and the input has none",
                "name the column that holds it on the stage that reads the records: `time: COLUMN`");
  }

  bool kept(std::size_t column) const {
    if (std::ranges::find(design_.by, column) != design_.by.end()) return false;
    return design_.last || (design_.ttl && input_.time == column);
  }

  void lay_out(const std::string& stage) {
    TableSpec& table = design_.table;
    StateColumnNames names;
    table.name = state_table_name(stage);
    for (const std::size_t column : design_.by)
      table.key.push_back({names.add(input_.fields[column].name), input_.fields[column].type});
    for (std::size_t column = 0; column < input_.fields.size(); ++column) {
      if (!kept(column)) continue;
      design_.values.push_back(column);
      table.add_value({names.add(input_.fields[column].name), input_.fields[column].type}, "");
    }
    table.definition = design_.last ? "latest row" : "keys seen";
    if (!design_.ttl) return;
    table.definition += ", known for " + format_duration(*design_.ttl);
    table.ordered = input_.fields[*input_.time].name;
  }

  const Values& options_;
  const Schema& input_;
  PlanError* error_;
  DedupDesign design_;
};

}  // namespace

std::optional<DedupDesign> design_dedup(const Values& options, const Schema& input, const std::string& stage,
                                        PlanError* error) {
  Designer designer(options, input, error);
  if (!designer.run(stage)) return std::nullopt;
  return std::move(designer.design());
}

PlanAnswer plan_dedup(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  const auto design = design_dedup(request.options, input, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  OutputPlan output{"out", input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  output.schema.key = design->by;
  InputPlan plan;
  plan.partition = Partition::kHash;
  for (const std::size_t column : design->by) plan.partition_columns.push_back(input.fields[column].name);
  plan.needs = plan.partition_columns;
  if (input.time) plan.needs.push_back(input.fields[*input.time].name);
  if (design->last) {
    plan.needs = input.names();
    output.schema.changelog = Changelog::kUpdates;
    output.schema.time.reset();
  }
  answer.outputs.push_back(std::move(output));
  answer.inputs.push_back(std::move(plan));
  answer.state.push_back(design->table);
  return answer;
}

}  // namespace stream
