// Operators and functions: which overload is meant.
#include <algorithm>
#include <array>

#include "stages/expression/aggregate_call.h"
#include "stages/expression/bind.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

[[noreturn]] void fail(std::size_t offset, std::string message, std::string hint = {}) {
  throw Failure{offset, std::move(message), std::move(hint)};
}

std::string types_of(const std::vector<Bound>& arguments) {
  std::vector<std::string> names;
  for (const Bound& argument : arguments) names.push_back(argument.unknown ? "unknown" : to_string(argument.type()));
  return join(names, ", ");
}

// Operators of other languages.
constexpr std::pair<std::string_view, std::string_view> kHabits[] = {{"==", "="}, {"&&", "and"}, {"||", "or"}};

std::string habit(std::string_view op) {
  const auto found = std::ranges::find(kHabits, op, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kHabits) ? "" : "write " + std::string(found->second);
}

constexpr int kImpossible = 1'000'000;

// How far a value's type is from a parameter's. A literal likes to be what another argument is.
int distance(const std::vector<Bound>& values, std::size_t index, TypeKind to) {
  const Bound& value = values[index];
  if (value.unknown) {
    for (const Bound& other : values) {
      if (!other.unknown && other.type().kind == to) return 0;
    }
    return to == TypeKind::kVarchar ? 1 : 2;
  }
  const TypeKind from = value.type().kind;
  if (from == to) return 0;
  if (from == TypeKind::kBigint && to == TypeKind::kDouble) return 10;
  if (from == TypeKind::kBigint && to == TypeKind::kDecimal) return 11;
  if (from == TypeKind::kDecimal && to == TypeKind::kDouble) return 10;
  if (from == TypeKind::kDate && to == TypeKind::kTimestamp) return 10;
  return kImpossible;
}

int distance(const std::vector<Bound>& values, const Function& function) {
  if (values.size() != function.parameters.size()) return kImpossible;
  int sum = function.extension ? 5 : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum = std::min(kImpossible, sum + distance(values, i, function.parameters[i]));
  }
  return sum;
}

bool numeric(Type type) { return type == kBigint || type == kDouble || type.kind == TypeKind::kDecimal; }

std::optional<Comparison> comparison_of(std::string_view op) {
  if (op == "=") return Comparison::kEqual;
  if (op == "<>" || op == "!=") return Comparison::kNotEqual;
  if (op == "<") return Comparison::kLess;
  if (op == "<=") return Comparison::kLessEqual;
  if (op == ">") return Comparison::kGreater;
  if (op == ">=") return Comparison::kGreaterEqual;
  return std::nullopt;
}

std::string signature(const Function& function) {
  std::vector<std::string> names;
  for (const TypeKind kind : function.parameters) {
    const std::string name = to_string(Type{kind});
    names.push_back(name.substr(0, name.find('(')));
  }
  return function.name + "(" + join(names, ", ") + ")";
}

}  // namespace

// --- operators ---------------------------------------------------------------------------------

Bound Binder::operation(const Ast& ast) {
  if (ast.arguments.size() == 1) return unary(ast);
  Bound a = any(ast.arguments[0]);
  Bound b = any(ast.arguments[1]);
  return binary(ast.text, std::move(a), std::move(b), ast.offset);
}

Bound Binder::unary(const Ast& ast) {
  Bound value = any(ast.arguments[0]);
  const Type type = value.type();
  if (!value.unknown && (ast.text == "-" || ast.text == "+") && (numeric(type) || type == kInterval)) {
    return ast.text == "+" ? value : Bound{make_negation(value.node), false, ast.offset};
  }
  if (value.unknown && ast.text == "-") return {make_negation(coerce(value, kDouble)), false, ast.offset};
  if (!value.unknown && ast.text == "@" && numeric(type)) {
    bool exists = false;
    return apply(*choose("abs", {value}, exists), {value}, ast.offset);
  }
  fail(ast.offset, "operator does not exist: " + ast.text + " " + (value.unknown ? "unknown" : to_string(type)));
}

Bound Binder::binary(const std::string& op, Bound a, Bound b, std::size_t offset) {
  if (const auto comparison = comparison_of(op)) return compare(*comparison, std::move(a), std::move(b), offset, op);
  if (op == "||") return concatenate(std::move(a), std::move(b), offset);
  if (op == "~" || op == "~*" || op == "!~" || op == "!~*") return match(op, std::move(a), std::move(b), offset);
  if (op == "~~" || op == "!~~" || op == "~~*" || op == "!~~*")
    return like_of(op, std::move(a), std::move(b), '\\', offset);
  if (op == "^@") {
    bool exists = false;
    if (const Function* function = choose("starts_with", {a, b}, exists)) return apply(*function, {a, b}, offset);
  }
  if (auto result = arithmetic(op, a, b, offset)) return std::move(*result);
  // The operators in the function table; + and * may be turned around.
  bool exists = false;
  std::vector<Bound> arguments = {a, b};
  const Function* function = choose(op, arguments, exists);
  if (function == nullptr && (op == "+" || op == "*")) {
    std::swap(arguments[0], arguments[1]);
    function = choose(op, arguments, exists);
  }
  if (function != nullptr) return apply(*function, std::move(arguments), offset);
  std::string hint;
  if (!a.unknown && !b.unknown && a.type() != b.type()) {
    hint = "convert one side: (…)::" + lower(to_string(a.type() == kVarchar ? b.type() : a.type()));
  }
  if (op == "+" && (a.type() == kVarchar || b.type() == kVarchar)) hint += ", or join texts with ||";
  if (a.unknown && b.unknown) hint = "say what the literals are: 'x'::bigint";
  if (const std::string known = habit(op); !known.empty()) hint = known;
  fail(offset,
       "operator does not exist: " + (a.unknown ? "unknown" : to_string(a.type())) + " " + op + " " +
           (b.unknown ? "unknown" : to_string(b.type())),
       hint);
}

// Between numbers; nothing if the operands are none.
std::optional<Bound> Binder::arithmetic(const std::string& op, Bound& a, Bound& b, std::size_t offset) {
  if (op.size() > 2 || std::string_view("+-*/%^&|#<<>>").find(op) == std::string_view::npos) return std::nullopt;
  if (a.unknown == b.unknown && (a.unknown || !numeric(a.type()) || !numeric(b.type()))) return std::nullopt;
  if (a.unknown && !numeric(b.type())) return std::nullopt;
  if (b.unknown && !numeric(a.type())) return std::nullopt;
  if (a.unknown) unify(a, b, offset, op);
  if (b.unknown) unify(a, b, offset, op);
  if (!numeric(a.type()) || !numeric(b.type())) return std::nullopt;
  if (op == "^") return Bound{make_power(coerce(a, kDouble), coerce(b, kDouble)), false, offset};
  if (op == "&" || op == "|" || op == "#" || op == "<<" || op == ">>") {
    if (a.type() != kBigint || b.type() != kBigint) return std::nullopt;
    return Bound{make_bitwise(op, a.node, b.node), false, offset};
  }
  if (op.size() != 1) return std::nullopt;
  unify(a, b, offset, op);
  if (op == "%" && a.type() == kDouble) {
    fail(offset, "operator does not exist: DOUBLE % DOUBLE", "convert to decimal: (…)::decimal");
  }
  return Bound{make_arithmetic(op[0], a.node, b.node), false, offset};
}

Bound Binder::compare(Comparison comparison, Bound a, Bound b, std::size_t offset, const std::string& op) {
  unify(a, b, offset, op);
  return {make_comparison(comparison, a.node, b.node), false, offset};
}

Bound Binder::concatenate(Bound a, Bound b, std::size_t offset) {
  const bool text = a.unknown || b.unknown || a.type() == kVarchar || b.type() == kVarchar;
  const bool blob = a.type() == kBlob || b.type() == kBlob;
  if (blob) {
    if (a.unknown) a = {coerce(a, kBlob), false, a.offset};
    if (b.unknown) b = {coerce(b, kBlob), false, b.offset};
  } else if (text) {
    a = {text_of(a), false, a.offset};
    b = {text_of(b), false, b.offset};
  }
  bool exists = false;
  const Function* function = choose("||", {a, b}, exists);
  if (function == nullptr || a.type().kind != b.type().kind) {
    fail(offset, "operator does not exist: " + to_string(a.type()) + " || " + to_string(b.type()),
         a.type() == kBoolean ? habit("||") : "convert one side: (…)::varchar");
  }
  return apply(*function, {a, b}, offset);
}

Bound Binder::match(const std::string& op, Bound a, Bound b, std::size_t offset) {
  a = {coerce(a, kVarchar), false, a.offset};
  b = {coerce(b, kVarchar), false, b.offset};
  std::string pattern;
  std::string message;
  if (literal_text(*b.node, &pattern) != nullptr && check_regex(pattern, "", &message) != nullptr) {
    fail(b.offset, "invalid regular expression: " + message);
  }
  return {make_regex_match(a.node, b.node, op.back() == '*', op[0] == '!'), false, offset};
}

Bound Binder::like_of(const std::string& op, Bound value, Bound pattern, char escape, std::size_t offset) {
  const bool negated = op[0] == '!';
  return {make_like(coerce(value, kVarchar), coerce(pattern, kVarchar), op.back() == '*', negated, escape), false,
          offset};
}

char Binder::escape_of(const Ast& ast) {
  if (ast.arguments.size() < 3) return '\\';
  const Ast& escape = ast.arguments[2];
  if (escape.kind != Ast::Kind::kText || escape.text.size() > 1)
    fail(escape.offset, "ESCAPE needs one ASCII character, or '' for none");
  return escape.text.empty() ? '\0' : escape.text[0];
}

Bound Binder::like(const Ast& ast) {
  return like_of(ast.text, any(ast.arguments[0]), any(ast.arguments[1]), escape_of(ast), ast.offset);
}

Bound Binder::similar(const Ast& ast) {
  const Bound value = any(ast.arguments[0]);
  const Bound pattern = any(ast.arguments[1]);
  const char escape = escape_of(ast);
  std::string text;
  std::string regex;
  std::string message;
  if (literal_text(*pattern.node, &text) != nullptr &&
      (!similar_to_regex(text, escape, regex) || check_regex(regex, "", &message) != nullptr)) {
    fail(pattern.offset, "invalid SIMILAR TO pattern" + (message.empty() ? "" : ": " + message));
  }
  return {make_similar(coerce(value, kVarchar), coerce(pattern, kVarchar), ast.negated, escape), false, ast.offset};
}

// --- functions ---------------------------------------------------------------------------------

const Function* Binder::choose(std::string_view name, const std::vector<Bound>& arguments, bool& exists) {
  const Function* best = nullptr;
  int least = kImpossible;
  for (const Function& function : all_functions()) {
    if (function.name != name) continue;
    exists = true;
    const int far = distance(arguments, function);
    if (far < least) {
      least = far;
      best = &function;
    }
  }
  return best;
}

Bound Binder::apply(const Function& function, std::vector<Bound> arguments, std::size_t offset) {
  std::vector<NodePtr> nodes;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    Type type{function.parameters[i]};
    if (type.kind == TypeKind::kDecimal) {
      type = arguments[i].type().kind == TypeKind::kDecimal ? arguments[i].type()
             : arguments[i].unknown                         ? decimal_type(38, 9)
                                                            : decimal_type(19, 0);
    }
    nodes.push_back(coerce(arguments[i], type));
  }
  if (function.rewrite != nullptr) {
    if (NodePtr node = function.rewrite(nodes)) return {std::move(node), false, offset};
  }
  if (function.make == nullptr)
    return {make_call(function.result, std::move(nodes), function.kernel, function.traits), false, offset};
  Made made = function.make(nodes);
  return {make_call(made.result, std::move(nodes), std::move(made.kernel), made.traits), false, offset};
}

void Binder::check_patterns(const Function& function, const std::vector<Bound>& arguments) {
  std::string text;
  std::string message;
  const bool regex = function.name.starts_with("regexp_") || (function.name == "substring" && arguments.size() == 2 &&
                                                              function.parameters[1] == TypeKind::kVarchar);
  if (!regex || literal_text(*arguments[1].node, &text) == nullptr) return;
  if (check_regex(text, "", &message) != nullptr) fail(arguments[1].offset, "invalid regular expression: " + message);
}

Bound Binder::concat_call(const Ast& ast, bool with_separator) {
  std::vector<NodePtr> nodes;
  bool exists = false;
  for (const Bound& value : all(ast.arguments)) {
    Bound text{text_of(value), false, value.offset};
    // concat() writes a BOOLEAN as t or f.
    if (value.type() == kBoolean) {
      const std::vector<Bound> arguments = {text, {make_fixed<std::int64_t>(kBigint, 1), false, value.offset}};
      text = apply(*choose("left", arguments, exists), arguments, value.offset);
    }
    nodes.push_back(text.node);
  }
  if (nodes.empty() || (with_separator && nodes.size() < 2))
    fail(ast.offset, "wrong number of arguments for " + ast.text);
  return {with_separator ? make_concat_ws(std::move(nodes)) : make_concat(std::move(nodes)), false, ast.offset};
}

std::vector<std::string> function_names() {
  std::vector<std::string> names = {"concat", "concat_ws", "power", "pow"};
  for (const Function& function : all_functions()) names.push_back(function.name);
  return names;
}

void Binder::require_function(const Ast& ast) {
  const std::vector<std::string> names = function_names();
  if (std::ranges::find(names, ast.text) != names.end()) return;
  const std::string near = did_you_mean(ast.text, names);
  fail(ast.offset, "no function " + ast.text + "()",
       near.empty() ? "stream-expression(7) lists those there are" : near.substr(2));
}

Bound Binder::call(const Ast& ast) {
  if (is_aggregate(ast.text)) {
    fail(ast.offset, "aggregate " + ast.text + "() is not allowed here", "aggregates belong into the stage aggregate");
  }
  if (ast.star || ast.distinct || !ast.filter.empty()) fail(ast.offset, ast.text + "() is not an aggregate");
  if (ast.text == "concat" || ast.text == "concat_ws") return concat_call(ast, ast.text == "concat_ws");
  require_function(ast);  // before its arguments, whose columns may be unknown too
  const std::string name = ast.text == "pow" ? "power" : ast.text;
  const std::vector<Bound> arguments = all(ast.arguments);
  if (name == "power" && arguments.size() == 2) {
    return {make_power(coerce(arguments[0], kDouble), coerce(arguments[1], kDouble)), false, ast.offset};
  }
  bool exists = false;
  if (const Function* function = choose(name, arguments, exists)) {
    check_patterns(*function, arguments);
    return apply(*function, arguments, ast.offset);
  }
  std::vector<std::string> signatures;
  for (const Function& function : all_functions()) {
    if (function.name == name) signatures.push_back(signature(function));
  }
  fail(ast.offset, "no function " + ast.text + "(" + types_of(arguments) + ")",
       name == "power" ? "there is power(DOUBLE, DOUBLE)" : "there is " + join(signatures, ", "));
}

}  // namespace stream::expression
