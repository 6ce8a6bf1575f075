// What the condition of a lookup says: by what rows of the reference are found, and what else must hold.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stages/expression/expression.h"

namespace stream {

// An expression over the input's columns alone, and the column of the reference it must be equal to.
struct EqualExpression {
  Expression input;
  std::size_t reference = 0;  // index into the joint schema
};

struct LookupCondition {
  std::vector<EqualExpression> equal;
  std::optional<Expression> rest;  // BOOLEAN over the joint schema: all but `equal`
};

// Compiles a condition over `schema`, whose first `input_columns` columns are the input's and the others the
// reference's. Of what is joined by AND, equalities of an expression over the input with a column of the
// reference of the same type go to `equal`. nullopt on failure, with `error` set.
std::optional<LookupCondition> compile_lookup_condition(std::string_view text, const Schema& schema,
                                                        std::size_t input_columns, std::span<const InputColumns> inputs,
                                                        ExpressionError* error);

}  // namespace stream
