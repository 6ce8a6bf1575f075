#include "stages/expression/select_list.h"

#include <algorithm>
#include <set>

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
using expression::NodePtr;
using expression::ParsedItem;
using expression::Scope;
using Kind = Ast::Kind;

struct Part {
  ParsedItem parsed;
  std::string name;  // as given by the item or its alias; "" if none
  std::size_t item = 0;
};

// Throws Failure about the item `at` points to.
std::vector<Part> parse_items(std::span<const SelectText> items, const Schema& schema, std::size_t* at) {
  std::vector<Part> parts;
  for (*at = 0; *at < items.size(); ++*at) {
    const SelectText& item = items[*at];
    std::vector<ParsedItem> parsed = expression::parse_list(item.text, schema.names());
    if (!item.name.empty() && parsed.size() > 1) {
      throw Failure{parsed[1].begin, "'" + item.name + "' needs one expression, not a list", ""};
    }
    for (ParsedItem& one : parsed) {
      if (!item.name.empty() && !one.alias.empty()) {
        throw Failure{one.begin + one.text.size(),
                      "the name is given twice: '" + item.name + "' and '" + one.alias + "'", ""};
      }
      if (!item.name.empty() && one.tree.kind == Kind::kStar) throw Failure{one.begin, "* cannot have a name", ""};
      std::string name = item.name.empty() ? one.alias : item.name;
      parts.push_back({std::move(one), std::move(name), *at});
    }
  }
  return parts;
}

// The name PostgreSQL would give, or "".
std::string natural_name(const Ast& ast, const Schema& schema, Binder& binder) {
  if (const auto index = binder.column_of(ast)) return schema.fields[*index].name;
  switch (ast.kind) {
    case Kind::kColumn: return ast.names.back().text;
    case Kind::kSpecial: return ast.names.empty() ? "" : lower(ast.names[0].text);
    case Kind::kCall: return ast.text;
    case Kind::kCase: return "case";
    case Kind::kCoalesce: return "coalesce";
    case Kind::kGreatest: return "greatest";
    case Kind::kLeast: return "least";
    case Kind::kNullIf: return "nullif";
    case Kind::kBoolean: return "bool";
    case Kind::kCast: {
      const std::string inner = natural_name(ast.arguments[0], schema, binder);
      return inner.empty() ? ast.text.substr(0, ast.text.find('(')) : inner;
    }
    case Kind::kOperator:
      // payload ->> 'user' is best called user; PostgreSQL has no name for it.
      if ((ast.text == "->" || ast.text == "->>") && ast.arguments.size() == 2 &&
          ast.arguments[1].kind == Kind::kText) {
        return ast.arguments[1].text;
      }
      return "";
    default: return "";
  }
}

class Names {
 public:
  // The final name of output number `index`. Throws Failure if it is taken.
  std::string add(std::string name, std::size_t index, std::size_t offset) {
    if (name.empty()) name = "column_" + std::to_string(index + 1);
    if (!taken_.insert(name).second) {
      throw Failure{offset, "two columns are called '" + name + "'", "name one of them: … as other_name"};
    }
    return name;
  }
  void reserve(const std::string& name) { taken_.insert(name); }

 private:
  std::set<std::string> taken_;
};

struct ColumnRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

// The columns that `*`, or `o.*`, stands for.
ColumnRange range_of(const Ast& star, const Schema& schema, std::span<const InputColumns> inputs) {
  if (star.names.empty()) return {0, schema.fields.size()};
  const auto found = std::ranges::find_if(inputs, [&](const InputColumns& input) {
    return input.alias == star.names[0].text ||
           (!star.names[0].quoted && lower(input.alias) == lower(star.names[0].text));
  });
  if (found == inputs.end()) {
    std::vector<std::string> aliases;
    for (const InputColumns& input : inputs) aliases.push_back(input.alias);
    const std::string near = did_you_mean(star.names[0].text, aliases);
    throw Failure{star.offset, "no input '" + star.names[0].text + "'", near.empty() ? "" : near.substr(2)};
  }
  return {found->first, found->first + found->count};
}

void add_star(const Ast& star, const Schema& schema, std::span<const InputColumns> inputs, Names& names,
              std::vector<SelectedColumn>& out) {
  const ColumnRange range = range_of(star, schema, inputs);
  for (std::size_t i = range.first; i < range.end; ++i) {
    std::string name = names.add(schema.fields[i].name, out.size(), star.offset);
    out.push_back({std::move(name), Expression::column(schema, i), {i}});
  }
}

SelectError error_of(const Failure& failure, std::size_t item) {
  return {item, {failure.offset, failure.message, failure.hint}};
}

}  // namespace

std::optional<std::vector<SelectText>> split_select(std::span<const SelectText> items, SelectError* error) {
  std::size_t item = 0;
  try {
    std::vector<SelectText> out;
    for (Part& part : parse_items(items, {}, &item)) out.push_back({part.name, part.parsed.text});
    return out;
  } catch (const Failure& failure) {
    if (error != nullptr) *error = error_of(failure, item);
    return std::nullopt;
  }
}

std::optional<std::vector<SelectedColumn>> compile_select(std::span<const SelectText> items, const Schema& schema,
                                                          SelectError* error, std::span<const InputColumns> inputs) {
  std::size_t item = 0;
  try {
    const Scope scope{.schema = &schema, .inputs = inputs};
    Binder binder(scope);
    Names names;
    std::vector<SelectedColumn> out;
    for (Part& part : parse_items(items, schema, &item)) {
      item = part.item;
      const Ast& tree = part.parsed.tree;
      if (tree.kind == Kind::kStar) {
        add_star(tree, schema, inputs, names, out);
        continue;
      }
      NodePtr node = binder.bind(tree);
      const std::string name = part.name.empty() ? natural_name(tree, schema, binder) : part.name;
      SelectedColumn column{
          names.add(name, out.size(), part.parsed.begin), Compiler::wrap(std::move(node), part.parsed.text), {}};
      column.lineage = column.expression.columns();
      out.push_back(std::move(column));
    }
    return out;
  } catch (const Failure& failure) {
    if (error != nullptr) *error = error_of(failure, item);
    return std::nullopt;
  }
}

std::optional<std::vector<SelectedColumn>> compile_wanted(std::span<const SelectText> items, const Schema& schema,
                                                          std::span<const std::string> wanted, SelectError* error,
                                                          std::span<const InputColumns> inputs) {
  std::size_t item = 0;
  try {
    const Scope scope{.schema = &schema, .inputs = inputs};
    Binder binder(scope);
    std::vector<SelectedColumn> out;
    const auto is_wanted = [&](const std::string& name) { return std::ranges::find(wanted, name) != wanted.end(); };
    std::size_t position = 0;
    for (Part& part : parse_items(items, schema, &item)) {
      item = part.item;
      const Ast& tree = part.parsed.tree;
      if (tree.kind == Kind::kStar) {
        const ColumnRange range = range_of(tree, schema, inputs);
        for (std::size_t i = range.first; i < range.end; ++i) {
          if (is_wanted(schema.fields[i].name))
            out.push_back({schema.fields[i].name, Expression::column(schema, i), {i}});
        }
        position += range.end - range.first;
        continue;
      }
      ++position;
      std::string name = part.name.empty() ? natural_name(tree, schema, binder) : part.name;
      if (name.empty()) name = "column_" + std::to_string(position);
      if (!is_wanted(name)) continue;
      SelectedColumn column{std::move(name), Compiler::wrap(binder.bind(tree), part.parsed.text), {}};
      column.lineage = column.expression.columns();
      out.push_back(std::move(column));
    }
    return out;
  } catch (const Failure& failure) {
    if (error != nullptr) *error = error_of(failure, item);
    return std::nullopt;
  }
}

bool counts_columns(std::span<const SelectedColumn> columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].expression.as_column() && columns[i].name == "column_" + std::to_string(i + 1)) return true;
  }
  return false;
}

namespace {

// Replaces aggregate calls by slots and compiles what stands inside them.
class Extractor {
 public:
  Extractor(const Schema& schema, Aggregation& out) : scope_{.schema = &schema}, out_(out) {}

  // Adds the input columns found to `lineage`.
  void extract(Ast& ast, const ParsedItem& source, std::set<std::size_t>& lineage) {
    if (ast.kind != Kind::kCall || !expression::is_aggregate(ast.text)) {
      if (ast.kind == Kind::kCall) refuse_unknown(ast);
      if (!ast.filter.empty()) throw Failure{ast.offset, ast.text + "() is not an aggregate", ""};
      for (Ast& argument : ast.arguments) extract(argument, source, lineage);
      return;
    }
    const std::size_t slot = slot_of(ast, source);
    for (const std::size_t column : out_.calls[slot].columns()) lineage.insert(column);
    Ast replaced;
    replaced.kind = Kind::kSlot;
    replaced.offset = ast.offset;
    replaced.index = slot;
    ast = std::move(replaced);
  }

 private:
  // Before its arguments, which would be refused for standing outside an aggregate.
  static void refuse_unknown(const Ast& ast) {
    std::vector<std::string> names = expression::function_names();
    if (std::ranges::find(names, ast.text) != names.end()) return;
    const std::vector<std::string> aggregates = expression::aggregate_names();
    names.insert(names.end(), aggregates.begin(), aggregates.end());
    const std::string near = did_you_mean(ast.text, names);
    throw Failure{ast.offset, "no function " + ast.text + "()",
                  near.empty() ? "the aggregates are " + join(aggregates, ", ") : near.substr(2)};
  }

  std::size_t slot_of(const Ast& ast, const ParsedItem& source) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].same(ast)) return i;
    }
    out_.calls.push_back(expression::bind_aggregate(ast, scope_));
    out_.calls.back().text = text_of(ast, source, 1);
    define(out_.calls.back(), text_of(ast, source, ast.filter.empty() ? 1 : 2));
    known_.push_back(ast);
    return known_.size() - 1;
  }

  void define(AggregateCall& call, const std::string& whole) const {
    call.definition = expression::canonical_text(whole, *scope_.schema);
    const std::string before = expression::canonical_text(call.text, *scope_.schema);
    const std::size_t open = before.find('(');
    call.arguments_definition = before.substr(open + 1, before.size() - open - 2);
    call.filter_definition = call.definition.substr(before.size());
  }

  // From the function's name to the parenthesis that closes its arguments (1) or its filter (2).
  static std::string text_of(const Ast& ast, const ParsedItem& source, int closings) {
    const std::size_t begin = ast.offset - source.begin;
    int depth = 0;
    for (const expression::Token& token : expression::lex(source.text)) {
      if (token.begin < begin || token.kind != expression::Token::Kind::kSymbol) continue;
      if (source.text[token.begin] == '(') ++depth;
      if (source.text[token.begin] != ')' || --depth != 0 || --closings != 0) continue;
      return source.text.substr(begin, token.end - begin);
    }
    return ast.text;
  }

  Scope scope_;
  Aggregation& out_;
  std::vector<Ast> known_;
};

std::string unique_name(const Schema& schema, std::size_t slot) {
  std::string name = "aggregate_" + std::to_string(slot);
  while (schema.find(name)) name += '_';
  return name;
}

void build_schema(Aggregation& out, const Schema& schema, std::span<const std::size_t> by) {
  for (const std::size_t index : by) out.schema.fields.push_back(schema.fields[index]);
  for (std::size_t i = 0; i < out.calls.size(); ++i) {
    out.schema.fields.push_back({unique_name(out.schema, i), out.calls[i].result_type});
  }
}

Scope scope_behind(const Aggregation& out, const Schema& schema, std::span<const std::size_t> by) {
  Scope scope{.schema = &schema, .aggregated = true};
  scope.positions.resize(schema.fields.size());
  for (std::size_t i = 0; i < by.size(); ++i) scope.positions[by[i]] = i;
  scope.first_slot = by.size();
  for (const AggregateCall& call : out.calls) scope.slots.push_back(call.result_type);
  return scope;
}

}  // namespace

std::optional<Aggregation> compile_aggregates(std::span<const SelectText> items, const Schema& schema,
                                              std::span<const std::size_t> by, SelectError* error) {
  std::size_t item = 0;
  try {
    std::vector<Part> parts = parse_items(items, schema, &item);
    Aggregation out;
    Extractor extractor(schema, out);
    std::vector<std::string> names;
    std::vector<std::set<std::size_t>> lineages(parts.size());
    const Scope plain{.schema = &schema};
    Binder namer(plain);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      item = parts[i].item;
      Ast& tree = parts[i].parsed.tree;
      if (tree.kind == Kind::kStar) throw Failure{tree.offset, "* cannot be aggregated", "count(*) counts rows"};
      names.push_back(parts[i].name.empty() ? natural_name(tree, schema, namer) : parts[i].name);
      extractor.extract(tree, parts[i].parsed, lineages[i]);
    }
    build_schema(out, schema, by);
    const Scope scope = scope_behind(out, schema, by);
    Binder binder(scope);
    Names taken;
    for (const std::size_t index : by) taken.reserve(schema.fields[index].name);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      item = parts[i].item;
      const ParsedItem& parsed = parts[i].parsed;
      AggregateOutput output{"", Compiler::wrap(binder.bind(parsed.tree), parsed.text), {}};
      // The key itself may be written once more: it is emitted anyway.
      const auto column = binder.column_of(parsed.tree);
      const bool repeats_key = column && schema.fields[*column].name == names[i];
      output.name = repeats_key ? names[i] : taken.add(names[i], i, parsed.begin);
      for (const std::size_t used : output.expression.columns()) {
        if (used < by.size()) lineages[i].insert(by[used]);
      }
      output.lineage.assign(lineages[i].begin(), lineages[i].end());
      out.outputs.push_back(std::move(output));
    }
    return out;
  } catch (const Failure& failure) {
    if (error != nullptr) *error = error_of(failure, item);
    return std::nullopt;
  }
}

}  // namespace stream
