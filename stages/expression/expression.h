// SQL scalar expressions with PostgreSQL's grammar and meaning over columnar batches.
//
// compile() parses (libpg_query), resolves names against a schema and checks types; evaluate()
// runs vectorised with three-valued logic. What cannot be computed for a row (division by zero,
// overflow, a bad cast) is a RowError and the row's value is NULL; never undefined behaviour.
// Differences from PostgreSQL are listed in stream-expression(7).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/record/batch.h"

namespace stream {

struct ExpressionError {
  std::size_t offset = 0;  // bytes from the start of the text
  std::string message;     // "no column 'statsu'"
  std::string hint;        // "did you mean 'status'?", or ""
};

// Columns [first, first + count) of a schema that came from the input called `alias`: what o.* and
// o.amount mean where several inputs are joined.
struct InputColumns {
  std::string alias;
  std::size_t first = 0;
  std::size_t count = 0;
};

struct RowError {
  std::uint32_t row = 0;
  const char* reason = "";  // "division by zero"
};

namespace expression {
class Node;  // a typed, checked tree
class Compiler;
}  // namespace expression

// Copies are cheap and share the tree. Compile from one thread at a time; evaluate from any.
class Expression {
 public:
  Expression();
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  Expression(const Expression&);
  Expression& operator=(const Expression&);

  // Errors are reported, not returned: null on failure. With `inputs`, a.b is column b of input a;
  // without an input a it is field b, as VARCHAR, of JSON column a.
  static std::unique_ptr<Expression> compile(std::string_view text, const Schema& schema, ExpressionError* error,
                                             std::span<const InputColumns> inputs = {});
  // An expression that is just this column.
  static Expression column(const Schema& schema, std::size_t index);

  Type type() const;
  std::vector<std::size_t> columns() const;      // indexes into the schema, ascending, no duplicates
  std::optional<std::size_t> as_column() const;  // set if the expression is just this column
  bool deterministic() const;                    // no now(), random(), …
  bool total() const;                            // can never produce a RowError
  const std::string& text() const;

  // One value a row. The batch's columns must be those of the schema compiled against; columns the
  // expression does not use may be empty. `now`, microseconds since the epoch, is what now() gives
  // for the whole batch. `errors` gets the rows that failed, ascending by row, at most one a row.
  Column evaluate(const Batch& batch, std::vector<RowError>* errors) const;
  Column evaluate(const Batch& batch, std::int64_t now, std::vector<RowError>* errors) const;

  // For conditions (BOOLEAN only): positions of the rows where the value is TRUE, ascending.
  void select(const Batch& batch, std::vector<std::uint32_t>* rows, std::vector<RowError>* errors) const;

 private:
  friend class expression::Compiler;
  Expression(std::shared_ptr<const expression::Node> root, std::string text);

  std::shared_ptr<const expression::Node> root_;
  std::string text_;
};

}  // namespace stream
