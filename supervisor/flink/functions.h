// The functions that Flink has counterparts of: one table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "supervisor/flink/expression.h"

namespace stream::flink {

struct FunctionRow {
  std::string_view name;  // here
  std::string_view
      parameters;          // a letter each, as in stages/expression/functions.h; 'c': a BIGINT that is a constant > 0
  std::string_view flink;  // $1, $2, …: the arguments
  bool narrow = false;     // gives an INT there
};
std::span<const FunctionRow> function_rows();

Sql write_call(const expression::Ast& ast, ExpressionWriter& writer);

// "" if Flink converts alike, else what can be done.
std::string_view why_not_cast(Type from, Type to);

// A regular expression in quotes that matches the same in Java.
std::string regex_text(const expression::Ast& ast, ExpressionWriter& writer);

}  // namespace stream::flink
