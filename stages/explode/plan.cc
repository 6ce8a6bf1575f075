#include <algorithm>

#include "stages/explode/explode.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

class Designer {
 public:
  Designer(const Values& options, const Schema& input, PlanError* error)
      : options_(options), input_(input), error_(error) {}

  bool run() { return read_column() && read_separator() && read_type() && name_columns(); }
  ExplodeDesign& design() { return design_; }

 private:
  bool fail(std::string option, std::string message, std::string hint) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  bool read_column() {
    ExpressionError error;
    const auto from = Expression::compile(options_.text("column"), input_, &error);
    if (!from) {
      *error_ = plan_error("column", error);
      return false;
    }
    design_.from = *from;
    design_.outer = options_.flag("outer");
    if (from->type() == kJson || from->type() == kVarchar) return true;
    return fail("column", "'" + options_.text("column") + "' is " + to_string(from->type()) + ", which has no elements",
                "it takes a JSON array, or text and a separator");
  }

  bool read_separator() {
    design_.separator = options_.text("separator");
    const bool text = design_.from.type() == kVarchar;
    if (!text && options_.has("separator")) {
      return fail("separator", "'" + options_.text("column") + "' is JSON, whose elements need no separator", "");
    }
    if (!text || !design_.separator.empty()) return true;
    return fail("separator", "'" + options_.text("column") + "' is text, and nothing says what parts its elements",
                "as in separator: ','; a JSON array in text is cast(" + options_.text("column") + " as json)");
  }

  bool read_type() {
    design_.type = design_.from.type();
    if (!options_.has("type")) return true;
    auto type = parse_type(options_.text("type"));
    if (!type.ok()) return fail("type", type.status().what(), "");
    design_.type = *type;
    return true;
  }

  bool name_columns() {
    design_.name = options_.text("as");
    design_.ordinality = options_.text("ordinality");
    if (design_.name.empty()) {
      design_.replaced = design_.from.as_column();
      if (!design_.replaced) {
        return fail("as", "the elements of '" + options_.text("column") + "' have no name", "as in as: element");
      }
      design_.name = input_.fields[*design_.replaced].name;
    } else if (input_.find(design_.name)) {
      return fail("as", "there is a column '" + design_.name + "' already", "choose another name");
    }
    if (design_.ordinality.empty()) return true;
    if (design_.ordinality != design_.name && !input_.find(design_.ordinality)) return true;
    return fail("ordinality", "there is a column '" + design_.ordinality + "' already", "choose another name");
  }

  const Values& options_;
  const Schema& input_;
  PlanError* error_;
  ExplodeDesign design_;
};

std::vector<ColumnRef> refs_of(const ExplodeDesign& design, const Schema& input) {
  std::vector<ColumnRef> refs;
  for (const std::size_t column : design.from.columns()) refs.push_back({0, input.fields[column].name});
  return refs;
}

// The rows made of one row differ by their ordinality alone.
void set_key(Schema& output, const ExplodeDesign& design, const Schema& input) {
  output.key.clear();
  const bool whole = std::ranges::none_of(input.key, [&](std::size_t column) { return design.replaced == column; });
  if (input.key.empty() || design.ordinality.empty() || !whole) return;
  output.key = input.key;
  output.key.push_back(output.fields.size() - 1);
}

OutputPlan main_output(const ExplodeDesign& design, const Schema& input) {
  OutputPlan output{"out", input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  if (design.replaced) {
    output.schema.fields[*design.replaced].type = design.type;
    if (input.time == design.replaced) output.schema.time.reset();
  } else {
    output.schema.fields.push_back({design.name, design.type});
    output.lineage.push_back(refs_of(design, input));
  }
  if (!design.ordinality.empty()) {
    output.schema.fields.push_back({design.ordinality, kBigint});
    output.lineage.push_back(refs_of(design, input));
  }
  set_key(output.schema, design, input);
  return output;
}

}  // namespace

std::optional<ExplodeDesign> design_explode(const Values& options, const Schema& input, PlanError* error) {
  Designer designer(options, input, error);
  if (!designer.run()) return std::nullopt;
  return std::move(designer.design());
}

PlanAnswer plan_explode(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_explode(request.options, input, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  if (input.changelog == Changelog::kUpdates && !design->from.deterministic()) {
    answer.errors.push_back(
        {"column", 0, "the elements are others each time, but the input's rows may be taken back", ""});
  }
  answer.outputs.push_back(main_output(*design, input));
  InputPlan plan;
  for (const std::size_t column : design->from.columns()) plan.needs.push_back(input.fields[column].name);
  answer.inputs.push_back(std::move(plan));
  return answer;
}

}  // namespace stream
