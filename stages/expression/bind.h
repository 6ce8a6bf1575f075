// From an untyped tree to a typed one: names, types, conversions. Throws Failure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "stages/expression/functions.h"
#include "stages/expression/operators.h"
#include "stages/expression/parse.h"

namespace stream::expression {

// What names mean.
struct Scope {
  const Schema* schema = nullptr;
  std::span<const InputColumns> inputs = {};
  // Behind an aggregation a column of `schema` is found at positions[index], if it is there at all;
  // slots (results of aggregate calls) follow with these types.
  bool aggregated = false;
  std::vector<std::optional<std::size_t>> positions = {};
  std::size_t first_slot = 0;
  std::vector<Type> slots = {};
};

// A node, or a literal whose type its surroundings decide: a text in quotes or NULL.
struct Bound {
  NodePtr node;
  bool unknown = false;
  std::size_t offset = 0;
  std::string literal = {};  // of an unknown text

  Type type() const { return node->type(); }
};

class Binder {
 public:
  explicit Binder(const Scope& scope) : scope_(scope) {}

  // The typed tree; an undecided literal becomes VARCHAR.
  NodePtr bind(const Ast& ast);
  // The schema index of a column reference, or nothing if it means something else.
  std::optional<std::size_t> column_of(const Ast& ast);

 private:
  Bound any(const Ast& ast);
  Bound boolean(const Ast& ast, const char* where);
  std::vector<Bound> all(std::span<const Ast> asts);

  Bound column(const Ast& ast);
  Bound path(NodePtr node, std::span<const Name> names, std::size_t offset);
  std::optional<std::size_t> find(const Name& name, std::size_t first, std::size_t count, std::size_t offset);
  std::optional<std::size_t> input_of(const Name& name);
  NodePtr reference(std::size_t index, std::size_t offset);
  [[noreturn]] void no_column(const Name& name, std::size_t offset, std::size_t first, std::size_t count);
  Bound special(const Ast& ast);
  Bound integer(const Ast& ast);
  Bound number(const Ast& ast);
  Bound slot(const Ast& ast);

  Bound operation(const Ast& ast);
  Bound unary(const Ast& ast);
  Bound binary(const std::string& op, Bound a, Bound b, std::size_t offset);
  std::optional<Bound> arithmetic(const std::string& op, Bound& a, Bound& b, std::size_t offset);
  Bound compare(Comparison comparison, Bound a, Bound b, std::size_t offset, const std::string& op);
  Bound concatenate(Bound a, Bound b, std::size_t offset);
  Bound match(const std::string& op, Bound a, Bound b, std::size_t offset);
  Bound like(const Ast& ast);
  Bound similar(const Ast& ast);
  Bound like_of(const std::string& op, Bound value, Bound pattern, char escape, std::size_t offset);
  char escape_of(const Ast& ast);
  Bound junction(const Ast& ast);
  Bound distinct(const Ast& ast);
  Bound in(const Ast& ast);
  Bound between(const Ast& ast);
  Bound boolean_test(const Ast& ast);
  Bound case_of(const Ast& ast);
  Bound coalesce(const Ast& ast);
  Bound nullif(const Ast& ast);

  Bound call(const Ast& ast);
  void require_function(const Ast& ast);
  Bound concat_call(const Ast& ast, bool with_separator);
  Bound apply(const Function& function, std::vector<Bound> arguments, std::size_t offset);
  const Function* choose(std::string_view name, const std::vector<Bound>& arguments, bool& exists);
  void check_patterns(const Function& function, const std::vector<Bound>& arguments);
  Bound cast(const Ast& ast);
  Bound interval_literal(const Ast& ast, std::uint32_t fields);

  // Two operands of a comparison get one kind of type.
  void unify(Bound& a, Bound& b, std::size_t offset, const std::string& op);
  Type common_type(const std::vector<Bound>& values, const char* what);
  // Implicit conversion. Fails where SQL has none.
  NodePtr coerce(const Bound& value, Type type);
  NodePtr converted(const Bound& value, Type type);
  NodePtr text_of(const Bound& value);

  const Scope& scope_;
};

std::vector<std::string> function_names();  // of those that are no aggregates

}  // namespace stream::expression
