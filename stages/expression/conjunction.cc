#include "stages/expression/conjunction.h"

#include "stages/expression/compiler.h"

namespace stream::expression {

std::vector<Ast> split_conjunction(const Ast& ast) {
  if (ast.kind != Ast::Kind::kAnd) return {ast};
  std::vector<Ast> parts;
  for (const Ast& argument : ast.arguments) {
    for (Ast& part : split_conjunction(argument)) parts.push_back(std::move(part));
  }
  return parts;
}

bool is_equality(const Ast& ast) {
  return ast.kind == Ast::Kind::kOperator && ast.text == "=" && ast.arguments.size() == 2;
}

std::optional<Expression> compile_conjunction(Binder& binder, std::vector<Ast> parts, std::string_view text) {
  if (parts.empty()) return std::nullopt;
  Ast all;
  all.kind = Ast::Kind::kAnd;
  all.offset = parts[0].offset;
  all.arguments = std::move(parts);
  NodePtr node = all.arguments.size() == 1 ? binder.bind(all.arguments[0]) : binder.bind(all);
  if (node->type() != kBoolean) {
    throw Failure{all.offset, "a condition is BOOLEAN, not " + to_string(node->type()),
                  "compare it with something, as in a.id = b.id"};
  }
  return Compiler::wrap(std::move(node), std::string(text));
}

}  // namespace stream::expression
