#include "stages/expression/lookup_condition.h"

#include <algorithm>

#include "stages/expression/compiler.h"
#include "stages/expression/conjunction.h"

namespace stream {
namespace {

using expression::Ast;
using expression::Binder;
using expression::Compiler;
using expression::Failure;
using expression::Scope;

class LookupAnalysis {
 public:
  LookupAnalysis(const Schema& schema, std::size_t input_columns, std::span<const InputColumns> inputs)
      : scope_{.schema = &schema, .inputs = inputs}, binder_(scope_), input_columns_(input_columns) {}

  LookupCondition run(const Ast& ast, std::string_view text) {
    LookupCondition out;
    std::vector<Ast> rest;
    for (Ast& part : expression::split_conjunction(ast)) {
      std::optional<EqualExpression> equal;
      if (expression::is_equality(part)) {
        equal = equality(part.arguments[0], part.arguments[1], text);
        if (!equal) equal = equality(part.arguments[1], part.arguments[0], text);
      }
      if (equal) {
        out.equal.push_back(*std::move(equal));
      } else {
        rest.push_back(std::move(part));
      }
    }
    out.rest = expression::compile_conjunction(binder_, std::move(rest), text);
    return out;
  }

 private:
  std::optional<EqualExpression> equality(const Ast& input, const Ast& reference, std::string_view text) {
    const auto column = binder_.column_of(reference);
    if (!column || *column < input_columns_) return std::nullopt;
    Expression value = Compiler::wrap(binder_.bind(input), std::string(text));
    const Type type = scope_.schema->fields[*column].type;
    const bool of_input = std::ranges::all_of(value.columns(), [&](std::size_t used) { return used < input_columns_; });
    if (!of_input || value.type() != type || type == kJson) return std::nullopt;
    return EqualExpression{std::move(value), *column};
  }

  Scope scope_;
  Binder binder_;
  std::size_t input_columns_;
};

}  // namespace

std::optional<LookupCondition> compile_lookup_condition(std::string_view text, const Schema& schema,
                                                        std::size_t input_columns, std::span<const InputColumns> inputs,
                                                        ExpressionError* error) {
  try {
    const Ast ast = expression::parse_expression(text, schema.names());
    return LookupAnalysis(schema, input_columns, inputs).run(ast, text);
  } catch (const Failure& failure) {
    if (error != nullptr) *error = {failure.offset, failure.message, failure.hint};
    return std::nullopt;
  }
}

}  // namespace stream
