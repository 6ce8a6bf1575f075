// Builders of operator nodes. Arguments have been converted to the types named; what does not fit is
// a programmer's mistake.
#pragma once

#include <string_view>

#include "stages/expression/node.h"

namespace stream::expression {

inline constexpr char kBigintRange[] = "bigint out of range";
inline constexpr char kDoubleRange[] = "double out of range";
inline constexpr char kDecimalRange[] = "decimal out of range";
inline constexpr char kTimestampRange[] = "timestamp out of range";
inline constexpr char kDateRange[] = "date out of range";
inline constexpr char kIntervalRange[] = "interval out of range";
inline constexpr char kDivisionByZero[] = "division by zero";

// + - * / % on two BIGINT, two DOUBLE (not %) or two DECIMAL of any scale.
NodePtr make_arithmetic(char op, NodePtr a, NodePtr b);
// The type of the DECIMAL result.
Type decimal_result(char op, Type a, Type b);
NodePtr make_power(NodePtr a, NodePtr b);                         // DOUBLE
NodePtr make_negation(NodePtr a);                                 // BIGINT, DOUBLE, DECIMAL, INTERVAL
NodePtr make_bitwise(std::string_view op, NodePtr a, NodePtr b);  // & | # << >> on BIGINT

enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// Arguments of one kind of type; DECIMAL scales may differ. Not JSON.
NodePtr make_comparison(Comparison comparison, NodePtr a, NodePtr b);
NodePtr make_distinct(NodePtr a, NodePtr b, bool negated);
// `items` are literals of value's type; NULLs among them follow SQL's rule.
NodePtr make_in(NodePtr value, std::vector<NodePtr> items, bool negated);
// Total order of two values of one kind; both valid.
int compare_rows(const Column& a, std::size_t i, const Column& b, std::size_t j);

NodePtr make_and(std::vector<NodePtr> arguments);
NodePtr make_or(std::vector<NodePtr> arguments);
NodePtr make_not(NodePtr a);
NodePtr make_null_test(NodePtr a, bool negated);
enum class Truth : std::uint8_t { kTrue, kFalse, kUnknown };
NodePtr make_boolean_test(NodePtr a, Truth truth, bool negated);
// when, then, when, then, …, else: every result of type `type`.
NodePtr make_case(Type type, std::vector<NodePtr> arguments, std::shared_ptr<const SharedNode> operand = nullptr);
NodePtr make_coalesce(Type type, std::vector<NodePtr> arguments);
NodePtr make_greatest(Type type, std::vector<NodePtr> arguments, bool least);
NodePtr make_nullif(NodePtr a, NodePtr equal);

// Null where there is no such cast. An identical type returns `a` itself.
NodePtr make_cast(NodePtr a, Type to);

// LIKE and ILIKE; `escape` 0 for none.
NodePtr make_like(NodePtr value, NodePtr pattern, bool fold_case, bool negated, char escape);

}  // namespace stream::expression
