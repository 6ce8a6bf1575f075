#include "stages/expression/join_condition.h"

#include <algorithm>

#include "stages/expression/bind.h"
#include "stages/expression/conjunction.h"

namespace stream {
namespace {

using expression::Ast;
using expression::Binder;
using expression::Failure;
using expression::NodePtr;
using expression::Scope;
using Kind = Ast::Kind;

constexpr Microseconds kDay = 86'400'000'000;
// Beyond that a bound bounds nothing, and sums of two still fit.
constexpr Microseconds kFarthest = INT64_MAX / 8;

// How long an interval may last.
struct Span {
  Microseconds shortest = 0;
  Microseconds longest = 0;
};

// A column that holds event time, moved by an interval.
struct Moved {
  std::size_t column = 0;
  Span by;
};

Span span_of(const Interval& interval) {
  const auto total = [&](int days_of_month) {
    const double days = static_cast<double>(interval.months) * days_of_month + interval.days;
    const double sum = days * static_cast<double>(kDay) + static_cast<double>(interval.microseconds);
    if (sum > static_cast<double>(kFarthest) || sum < -static_cast<double>(kFarthest)) {
      return sum < 0 ? -kFarthest : kFarthest;
    }
    return (std::int64_t{interval.months} * days_of_month + interval.days) * kDay + interval.microseconds;
  };
  const Microseconds a = total(28);
  const Microseconds b = total(31);
  return {std::min(a, b), std::max(a, b)};
}

class Analysis {
 public:
  Analysis(const Schema& schema, std::span<const InputColumns> inputs, std::optional<std::size_t> left_time,
           std::optional<std::size_t> right_time)
      : scope_{.schema = &schema, .inputs = inputs},
        binder_(scope_),
        left_columns_(inputs[0].count),
        left_time_(left_time),
        right_time_(right_time) {}

  JoinCondition run(const Ast& ast, std::string_view text) {
    for (const Ast& part : expression::split_conjunction(ast)) add(part);
    JoinCondition out{std::move(equal_), times_, std::nullopt};
    out.rest = expression::compile_conjunction(binder_, std::move(rest_), text);
    return out;
  }

 private:
  void add(const Ast& ast) {
    if (expression::is_equality(ast) && add_equal(ast)) return;
    if (ast.kind == Kind::kOperator && ast.arguments.size() == 2) bound(ast.text, ast.arguments[0], ast.arguments[1]);
    if (ast.kind == Kind::kBetween && !ast.negated && !ast.flag) {
      bound(">=", ast.arguments[0], ast.arguments[1]);
      bound("<=", ast.arguments[0], ast.arguments[2]);
    }
    rest_.push_back(ast);
  }

  bool add_equal(const Ast& ast) {
    auto a = binder_.column_of(ast.arguments[0]);
    auto b = binder_.column_of(ast.arguments[1]);
    if (!a || !b) return false;
    if (*a >= left_columns_) std::swap(a, b);
    if (*a >= left_columns_ || *b < left_columns_) return false;
    const Type type = scope_.schema->fields[*a].type;
    if (type != scope_.schema->fields[*b].type || type == kJson) return false;
    equal_.push_back({*a, *b});
    if (a == left_time_ && b == right_time_) narrow(0, 0);
    return true;
  }

  // `a op b`, if both are event times, one of either input.
  void bound(const std::string& op, const Ast& a_ast, const Ast& b_ast) {
    const bool less = op == "<" || op == "<=" || op == "=";
    const bool more = op == ">" || op == ">=" || op == "=";
    if (!less && !more) return;
    const auto a = moved(a_ast);
    const auto b = moved(b_ast);
    if (!a || !b || a->column == b->column) return;
    // a + x op b + y: a - b op y - x.
    const Microseconds low = b->by.shortest - a->by.longest;
    const Microseconds high = b->by.longest - a->by.shortest;
    const bool forward = a->column == *left_time_;
    if (less) forward ? narrow(std::nullopt, high) : narrow(-high, std::nullopt);
    if (more) forward ? narrow(low, std::nullopt) : narrow(std::nullopt, -low);
  }

  void narrow(std::optional<Microseconds> low, std::optional<Microseconds> high) {
    if (low && *low > -kFarthest) times_.low = std::max(times_.low.value_or(*low), *low);
    if (high && *high < kFarthest) times_.high = std::min(times_.high.value_or(*high), *high);
  }

  bool is_time(std::size_t column) const { return column == left_time_ || column == right_time_; }

  std::optional<Moved> moved(const Ast& ast) {
    if (!left_time_ || !right_time_) return std::nullopt;
    if (const auto column = binder_.column_of(ast)) {
      return is_time(*column) ? std::optional(Moved{*column, {}}) : std::nullopt;
    }
    const bool sum = ast.kind == Kind::kOperator && ast.arguments.size() == 2 && (ast.text == "+" || ast.text == "-");
    if (!sum) return std::nullopt;
    auto from = moved(ast.arguments[0]);
    const auto by = constant_interval(ast.arguments[1]);
    if (!from || !by) return std::nullopt;
    const bool minus = ast.text == "-";
    from->by.shortest += minus ? -by->longest : by->shortest;
    from->by.longest += minus ? -by->shortest : by->longest;
    return from;
  }

  std::optional<Span> constant_interval(const Ast& ast) {
    const NodePtr node = binder_.bind(ast);
    const expression::Value* value = node->literal();
    if (node->type() != kInterval || value == nullptr || !value->valid(0)) return std::nullopt;
    return span_of(value->column.value<Interval>(0));
  }

  Scope scope_;
  Binder binder_;
  std::size_t left_columns_;
  std::optional<std::size_t> left_time_;
  std::optional<std::size_t> right_time_;
  std::vector<EqualColumns> equal_;
  TimeBounds times_;
  std::vector<Ast> rest_;
};

}  // namespace

std::optional<JoinCondition> compile_join_condition(std::string_view text, const Schema& schema,
                                                    std::span<const InputColumns> inputs,
                                                    std::optional<std::size_t> left_time,
                                                    std::optional<std::size_t> right_time, ExpressionError* error) {
  try {
    const Ast ast = expression::parse_expression(text, schema.names());
    return Analysis(schema, inputs, left_time, right_time).run(ast, text);
  } catch (const Failure& failure) {
    if (error != nullptr) *error = {failure.offset, failure.message, failure.hint};
    return std::nullopt;
  }
}

}  // namespace stream
