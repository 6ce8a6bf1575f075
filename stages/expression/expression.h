// SQL scalar expressions with PostgreSQL's grammar and meaning over columnar batches.
//
// compile() parses (libpg_query), resolves names against a schema and checks types; evaluate()
// runs vectorised with three-valued logic. What cannot be computed for a row (division by zero,
// overflow, a bad cast) is a RowError and the row's value is NULL; never undefined behaviour.
// Differences from PostgreSQL are listed in stream-expression(7).
#pragma once

#include <memory>
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

struct RowError {
  std::uint32_t row = 0;
  const char* reason = "";  // "division by zero"
};

namespace expression {
class Node;  // a typed, checked tree
}

class Expression {
 public:
  Expression();
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  Expression(const Expression&);
  Expression& operator=(const Expression&);

  // Errors are reported, not returned: null on failure.
  static std::unique_ptr<Expression> compile(std::string_view text, const Schema& schema,
                                             ExpressionError* error);

  Type type() const;
  std::vector<std::size_t> columns() const;  // indexes into the schema, ascending, no duplicates
  bool deterministic() const;                // no now(), random(), …
  bool total() const;                        // can never produce a RowError
  const std::string& text() const;

  // One value a row. `errors` gets the rows that failed, ascending by row, at most one a row.
  Column evaluate(const Batch& batch, std::vector<RowError>* errors) const;

  // For conditions: positions of the rows where the value is TRUE.
  void select(const Batch& batch, std::vector<std::uint32_t>* rows, std::vector<RowError>* errors) const;

 private:
  friend class ExpressionCompiler;
  std::shared_ptr<const expression::Node> root_;
  std::string text_;
};

}  // namespace stream
