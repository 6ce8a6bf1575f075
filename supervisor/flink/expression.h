// From a parsed expression to Flink's SQL: form by form and function by function, never as text.
//
// What the two compute differently is refused. Values are exact but for what stream-flink(7) lists.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stages/expression/bind.h"
#include "stages/expression/parse.h"

namespace stream::flink {

struct Sql {
  // How tightly it holds together; what stands in something tighter gets parentheses.
  enum Level : std::uint8_t { kOr, kAnd, kNot, kCompare, kAdd, kMultiply, kPrimary };
  std::string text;
  Level level = kPrimary;
  bool narrow = false;  // an INT in Flink, where it is a BIGINT here
};

class ExpressionWriter {
 public:
  // `columns`: how each column of the schema is written; `slots`: the results of aggregate calls.
  ExpressionWriter(const expression::Scope& scope, std::vector<std::string> columns,
                   std::vector<std::string> slots = {})
      : scope_(scope), columns_(std::move(columns)), slots_(std::move(slots)) {}

  // All throw expression::Failure.
  Sql write(const expression::Ast& ast);
  // Of exactly the type it has here.
  std::string exact(const expression::Ast& ast);
  // The same for a text in quotes, or NULL, that becomes `type`.
  Sql write_as(const expression::Ast& ast, Type type);
  std::string condition(const expression::Ast& ast) { return write_as(ast, kBoolean).text; }

  Type type_of(const expression::Ast& ast);
  // The value, if the expression has the same for all rows.
  expression::NodePtr constant(const expression::Ast& ast);
  std::string inside(const Sql& sql, Sql::Level level) const {
    return sql.level < level ? "(" + sql.text + ")" : sql.text;
  }

 private:
  Sql column(const expression::Ast& ast);
  Sql special(const expression::Ast& ast);
  Sql operation(const expression::Ast& ast);
  Sql arithmetic(const expression::Ast& ast);
  Sql arithmetic_of_times(const expression::Ast& ast);
  void check_decimals(const expression::Ast& ast, Type a, Type b);
  Sql comparison(const expression::Ast& ast, const std::string& op);
  Sql matches(const expression::Ast& ast);
  Sql junction(const expression::Ast& ast);
  Sql cast(const expression::Ast& ast);
  Sql case_of(const expression::Ast& ast);
  Sql list(const expression::Ast& ast, const std::string& function);
  Sql in(const expression::Ast& ast);
  Sql between(const expression::Ast& ast);
  Sql like(const expression::Ast& ast);
  Sql distinct(const expression::Ast& ast);
  Type common_type(std::span<const expression::Ast* const> asts);
  std::vector<std::string> operands(std::span<const expression::Ast* const> asts, Sql::Level level);

  const expression::Scope& scope_;
  std::vector<std::string> columns_;
  std::vector<std::string> slots_;
};

[[noreturn]] void refuse(const expression::Ast& ast, std::string message, std::string hint = {});

}  // namespace stream::flink
