#include "stages/expression/pattern_expressions.h"

#include <algorithm>
#include <set>

#include "stages/expression/aggregate_call.h"
#include "stages/expression/bind.h"
#include "stages/expression/canonical.h"
#include "stages/expression/compiler.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using expression::Ast;
using expression::Binder;
using expression::Compiler;
using expression::Failure;
using expression::Name;
using expression::NodePtr;
using expression::ParsedItem;
using expression::Scope;
using Kind = Ast::Kind;
using ValueKind = PatternValue::Kind;

bool navigates(const Ast& ast) { return ast.kind == Kind::kCall && (ast.text == "first" || ast.text == "last"); }

// Calls that mean something in patterns only, and aggregates.
bool chooses_rows(const Ast& ast) {
  if (ast.kind != Kind::kCall) return false;
  static constexpr std::string_view kNames[] = {"first", "last", "prev", "next", "classifier", "match_rowtime"};
  return expression::is_aggregate(ast.text) || std::ranges::find(kNames, ast.text) != std::end(kNames);
}

Ast slot(std::size_t index, std::size_t offset) {
  Ast out;
  out.kind = Kind::kSlot;
  out.offset = offset;
  out.index = index;
  return out;
}

Ast conjunction(std::vector<Ast> parts) {
  if (parts.size() == 1) return std::move(parts[0]);
  Ast out;
  out.kind = Kind::kAnd;
  out.offset = parts[0].offset;
  out.arguments = std::move(parts);
  return out;
}

// From where a call begins to the parenthesis that closes it, or its filter.
std::string_view call_text(const Ast& call, std::string_view text) {
  int depth = 0;
  int closings = call.filter.empty() ? 1 : 2;
  for (const expression::Token& token : expression::lex(text)) {
    if (token.begin < call.offset || token.kind != expression::Token::Kind::kSymbol) continue;
    if (text[token.begin] == '(') ++depth;
    if (text[token.begin] == ')' && --depth == 0 && --closings == 0)
      return text.substr(call.offset, token.end - call.offset);
  }
  return text.substr(call.offset);
}

class PatternCompiler {
 public:
  PatternCompiler(std::span<const std::string> variables, const Schema& schema)
      : variables_(variables), schema_(schema), scope_{.schema = &schema}, binder_(scope_) {
    out_.conditions.resize(variables.size());
  }

  void define(const SelectText& item) {
    for (ParsedItem& parsed : expression::parse_list(item.text, schema_.names())) {
      const std::string name = item.name.empty() ? parsed.alias : item.name;
      if (name.empty()) throw Failure{parsed.begin, "a condition needs the variable it is for", "price > 10 as A"};
      const auto variable = variable_of({name, false});
      if (!variable) {
        throw Failure{parsed.begin, "the pattern has no variable '" + name + "'", nearest_variable(name)};
      }
      if (!defined_.insert(*variable).second) throw Failure{parsed.begin, "'" + name + "' is defined twice", ""};
      text_ = item.text;
      own_ = *variable;
      add_condition(parsed);
    }
  }

  void measure(const SelectText& item) {
    for (ParsedItem& parsed : expression::parse_list(item.text, schema_.names())) {
      if (parsed.tree.kind == Kind::kStar) {
        throw Failure{parsed.begin, "* is not one value", "name the columns: first(A.ts) as began, A.price as price"};
      }
      text_ = item.text;
      own_ = kAnyVariable;
      PatternMeasure measure{item.name.empty() ? name_of(parsed) : item.name, {}};
      rewrite(parsed.tree);
      pending_.emplace_back(std::move(measure), std::move(parsed));
    }
  }

  // The types of all values are known only now.
  PatternExpressions finish() {
    for (auto& [measure, parsed] : pending_) {
      measure.expression = Compiler::wrap(bind_values(parsed.tree), parsed.text);
      out_.measures.push_back(std::move(measure));
    }
    return std::move(out_);
  }

 private:
  // --- names ------------------------------------------------------------------------------------
  std::optional<std::size_t> variable_of(const Name& name) const {
    const auto exact = std::ranges::find(variables_, name.text);
    if (exact != variables_.end()) return static_cast<std::size_t>(exact - variables_.begin());
    if (name.quoted) return std::nullopt;
    const auto folded = [&](const std::string& variable) { return lower(variable) == lower(name.text); };
    if (std::ranges::count_if(variables_, folded) != 1) return std::nullopt;
    return static_cast<std::size_t>(std::ranges::find_if(variables_, folded) - variables_.begin());
  }

  std::string nearest_variable(std::string_view name) const {
    const std::string near = did_you_mean(name, variables_);
    return near.empty() ? "its variables are " + join(variables_, ", ") : near.substr(2);
  }

  // The variable before the dot of A.price, A.* or A.payload.user.
  std::optional<std::size_t> prefix_of(const Ast& ast) const {
    const bool star = ast.kind == Kind::kStar && ast.names.size() == 1;
    if (!star && (ast.kind != Kind::kColumn || ast.names.size() < 2)) return std::nullopt;
    const auto variable = variable_of(ast.names[0]);
    const auto is_column = [&](const Field& field) { return lower(field.name) == lower(ast.names[0].text); };
    if (!variable && (star || std::ranges::none_of(schema_.fields, is_column))) {
      throw Failure{ast.offset, "the pattern has no variable '" + ast.names[0].text + "'",
                    nearest_variable(ast.names[0].text)};
    }
    return variable;
  }

  bool is_reference(const Ast& ast) {
    return ast.kind == Kind::kColumn || (ast.kind == Kind::kSpecial && binder_.column_of(ast));
  }

  std::string name_of(const ParsedItem& parsed) const {
    if (!parsed.alias.empty()) return parsed.alias;
    const Ast& tree = parsed.tree;
    if (tree.kind == Kind::kColumn) return tree.names.back().text;
    if (tree.kind == Kind::kCall) return tree.text;
    throw Failure{parsed.begin, "a measure needs a name", "write it behind: … as name"};
  }

  // --- conditions -------------------------------------------------------------------------------
  void add_condition(ParsedItem& parsed) {
    std::vector<Ast> parts;
    if (parsed.tree.kind == Kind::kAnd) {
      parts = std::move(parsed.tree.arguments);
    } else {
      parts.push_back(std::move(parsed.tree));
    }
    std::vector<Ast> of_row;
    std::vector<Ast> of_values;
    for (Ast& part : parts) (of_this_row(part) ? of_row : of_values).push_back(std::move(part));
    PatternCondition& condition = out_.conditions[own_];
    if (!of_row.empty()) {
      for (Ast& part : of_row) drop_prefixes(part);
      const Ast all = conjunction(std::move(of_row));
      condition.of_row = boolean(binder_.bind(all), all.offset, parsed.text);
    }
    if (of_values.empty()) return;
    for (Ast& part : of_values) rewrite(part);
    const Ast all = conjunction(std::move(of_values));
    condition.of_values = boolean(bind_values(all), all.offset, parsed.text);
  }

  static Expression boolean(NodePtr node, std::size_t offset, const std::string& text) {
    if (node->type() != kBoolean) {
      throw Failure{offset, "a condition is BOOLEAN, not " + to_string(node->type()),
                    "compare it with something, as in price > 10"};
    }
    return deterministic(Compiler::wrap(std::move(node), text), offset);
  }

  static Expression deterministic(Expression expression, std::size_t offset) {
    if (expression.deterministic()) return expression;
    throw Failure{offset, "what is another value each time cannot be matched again after a restart",
                  "leave out now() and random()"};
  }

  // Whether it looks at nothing but the row that is to match.
  bool of_this_row(const Ast& ast) const {
    if (chooses_rows(ast)) return false;
    if (const auto variable = prefix_of(ast); variable && *variable != own_) return false;
    return std::ranges::all_of(ast.arguments, [&](const Ast& argument) { return of_this_row(argument); });
  }

  void drop_prefixes(Ast& ast) const {
    if (prefix_of(ast)) ast.names.erase(ast.names.begin());
    for (Ast& argument : ast.arguments) drop_prefixes(argument);
  }

  NodePtr bind_values(const Ast& ast) {
    Scope scope{.schema = &schema_, .aggregated = true};
    scope.positions.resize(schema_.fields.size());
    for (const PatternValue& value : out_.values) scope.slots.push_back(value.type);
    return Binder(scope).bind(ast);
  }

  // --- values -----------------------------------------------------------------------------------
  void rewrite(Ast& ast) {
    if (chooses_rows(ast)) {
      ast = slot(value_of_call(ast), ast.offset);
    } else if (is_reference(ast)) {
      ast = slot(pick(ast, ast, {}), ast.offset);
    } else {
      if (!ast.filter.empty()) throw Failure{ast.offset, ast.text + "() is not an aggregate", ""};
      for (Ast& argument : ast.arguments) rewrite(argument);
    }
  }

  std::size_t value_of_call(Ast& ast) {
    if (navigates(ast)) return navigate(ast, ast, 0);
    if (ast.text == "prev") return go_back(ast);
    if (ast.text == "next") throw Failure{ast.offset, "next() looks at rows that have not come", "turn it: prev(…)"};
    if (expression::is_aggregate(ast.text)) return aggregate(ast);
    if (ast.star || !ast.arguments.empty()) throw Failure{ast.offset, ast.text + "() takes no argument", ""};
    PatternValue value;
    if (ast.text == "classifier") {
      value.kind = ValueKind::kClassifier;
      value.type = kVarchar;
      return add(value);
    }
    value.kept = keep(Expression::column(schema_, *schema_.time), schema_.fields[*schema_.time].name);
    value.type = value.argument_type = kTimestamp;
    return add(value);
  }

  static std::size_t count_of(const Ast& ast, std::size_t fallback) {
    if (ast.arguments.size() == 1) return fallback;
    if (ast.star || ast.arguments.empty() || ast.arguments.size() > 2) {
      throw Failure{ast.offset, ast.text + "() takes a value and, if need be, a number", ast.text + "(A.price, 1)"};
    }
    const Ast& number = ast.arguments[1];
    const auto value = number.kind == Kind::kInteger ? parse_integer(number.text) : Result<std::int64_t>(-1);
    if (!value.ok() || *value < 0 || *value > static_cast<std::int64_t>(kPatternOffsetMax)) {
      throw Failure{number.offset, ast.text + "() counts rows by a number from 0 to 10000", ""};
    }
    return static_cast<std::size_t>(*value);
  }

  // `call`: the outermost one, of which this is a part.
  std::size_t navigate(Ast& ast, const Ast& call, std::size_t back) {
    PatternValue value;
    value.kind = ast.text == "first" ? ValueKind::kFirst : ValueKind::kLast;
    value.offset = count_of(ast, 0);
    value.back = back;
    return pick(ast.arguments[0], call, value);
  }

  std::size_t go_back(Ast& ast) {
    PatternValue value;
    value.back = count_of(ast, 1);
    Ast& inner = ast.arguments[0];
    return navigates(inner) ? navigate(inner, ast, value.back) : pick(inner, ast, value);
  }

  // `value` with what is computed from the row that it picks; `call`: what it stands in, or itself.
  std::size_t pick(Ast& inner, const Ast& call, PatternValue value) {
    refuse_choice(inner);
    value.variable = one_variable(inner);
    const std::size_t offset = inner.offset;
    drop_prefixes(inner);
    NodePtr node = binder_.bind(inner);
    const auto column = node->column();
    Expression expression = deterministic(Compiler::wrap(std::move(node), ""), offset);
    value.type = value.argument_type = expression.type();
    value.kept = keep(std::move(expression), column ? schema_.fields[*column].name : name_for(inner, call));
    // The row at hand is the last that matches the variable it is tried for.
    if (value.variable == own_ && value.kind == ValueKind::kLast && value.offset == 0) value.variable = kAnyVariable;
    return add(value);
  }

  // Names what is kept by what is in it.
  std::string name_for(const Ast& inner, const Ast& call) const {
    if (inner.kind != Kind::kColumn) return expression::canonical_text(call_text(call, text_), schema_);
    std::vector<std::string> names;
    for (const Name& name : inner.names) names.push_back(name.text);
    return join(names, " -> ");
  }

  static void refuse_choice(const Ast& ast) {
    if (chooses_rows(ast)) {
      throw Failure{ast.offset, ast.text + "() cannot stand inside of another such call",
                    "prev(first(…)) and prev(last(…)) can"};
    }
    for (const Ast& argument : ast.arguments) refuse_choice(argument);
    for (const Ast& filter : ast.filter) refuse_choice(filter);
  }

  std::size_t one_variable(const Ast& ast) {
    std::optional<std::size_t> found;
    find_variable(ast, found);
    return found.value_or(kAnyVariable);
  }

  void find_variable(const Ast& ast, std::optional<std::size_t>& found) {
    if (is_reference(ast) || ast.kind == Kind::kStar) {
      const std::size_t variable = prefix_of(ast).value_or(kAnyVariable);
      if (found && *found != variable) {
        throw Failure{ast.offset, "columns inside of one call must be of one variable", "A.price * A.quantity"};
      }
      found = variable;
    }
    for (const Ast& argument : ast.arguments) find_variable(argument, found);
    for (const Ast& filter : ast.filter) find_variable(filter, found);
  }

  // What an aggregate is, its types and what is wrong with it are those of the stage aggregate.
  std::size_t aggregate(Ast& ast) {
    for (const Ast& argument : ast.arguments) refuse_choice(argument);
    for (const Ast& filter : ast.filter) refuse_choice(filter);
    PatternValue value;
    value.kind = ValueKind::kAggregate;
    value.variable = one_variable(ast);
    const AggregateCall call = compile_call(ast);
    if (call.function > AggregateFunction::kAvg)
      throw Failure{ast.offset, ast.text + "() is not supported in patterns", "count, sum, min, max and avg are"};
    if (call.distinct) throw Failure{ast.offset, "DISTINCT is not supported in patterns", ""};
    value.function = call.function;
    value.argument_type = call.argument_type;
    value.type = call.result_type;
    if (call.argument) value.kept = keep_part(*call.argument, ast, call.definition);
    if (call.filter) value.filter = keep_part(*call.filter, ast, call.definition + " where");
    return add(value);
  }

  std::size_t keep_part(const Expression& part, const Ast& ast, const std::string& name) {
    const auto column = part.as_column();
    return keep(deterministic(part, ast.offset), column ? schema_.fields[*column].name : name);
  }

  // Blanks in place of the variables leave every other byte where it was.
  AggregateCall compile_call(const Ast& ast) const {
    std::string text(call_text(ast, text_));
    blank_prefixes(ast, ast.offset, text);
    const SelectText item{"value", text};
    SelectError error;
    auto compiled = compile_aggregates({&item, 1}, schema_, {}, &error);
    if (!compiled) throw Failure{ast.offset + error.error.offset, error.error.message, error.error.hint};
    return std::move(compiled->calls[0]);
  }

  void blank_prefixes(const Ast& ast, std::size_t begin, std::string& text) const {
    if (prefix_of(ast)) {
      const std::size_t from = ast.offset - begin;
      const std::size_t dot = text.find('.', from + ast.names[0].text.size());
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(dot + 1),
                ' ');
    }
    for (const Ast& argument : ast.arguments) blank_prefixes(argument, begin, text);
    for (const Ast& filter : ast.filter) blank_prefixes(filter, begin, text);
  }

  std::size_t keep(Expression expression, const std::string& name) {
    const auto same = std::ranges::find(out_.kept, name, &PatternColumn::name);
    if (same != out_.kept.end()) return static_cast<std::size_t>(same - out_.kept.begin());
    out_.kept.push_back({std::move(expression), name});
    return out_.kept.size() - 1;
  }

  std::size_t add(const PatternValue& value) {
    const auto same = std::ranges::find(out_.values, value);
    if (same != out_.values.end()) return static_cast<std::size_t>(same - out_.values.begin());
    out_.values.push_back(value);
    return out_.values.size() - 1;
  }

  std::span<const std::string> variables_;
  const Schema& schema_;
  Scope scope_;
  Binder binder_;
  std::set<std::size_t> defined_;
  std::string text_;                // of the item at work
  std::size_t own_ = kAnyVariable;  // the variable whose condition it is
  PatternExpressions out_;
  std::vector<std::pair<PatternMeasure, ParsedItem>> pending_;
};

}  // namespace

std::vector<std::size_t> PatternExpressions::lineage(const Expression& of_values) const {
  std::set<std::size_t> out;
  for (const std::size_t index : of_values.columns()) {
    for (const auto& part : {values[index].kept, values[index].filter}) {
      if (!part) continue;
      for (const std::size_t column : kept[*part].expression.columns()) out.insert(column);
    }
  }
  return {out.begin(), out.end()};
}

std::optional<PatternExpressions> compile_pattern_expressions(const PatternTexts& texts, const Schema& schema,
                                                              PatternError* error) {
  bool in_define = true;
  try {
    PatternCompiler compiler(texts.variables, schema);
    for (const SelectText& item : texts.define) compiler.define(item);
    in_define = false;
    for (const SelectText& item : texts.measures) compiler.measure(item);
    return compiler.finish();
  } catch (const Failure& failure) {
    if (error != nullptr) *error = {in_define, {failure.offset, failure.message, failure.hint}};
    return std::nullopt;
  }
}

}  // namespace stream
