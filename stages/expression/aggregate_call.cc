#include "stages/expression/aggregate_call.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "stages/expression/bind.h"
#include "stages/expression/compiler.h"

namespace stream {
namespace {

struct Name {
  std::string_view name;
  AggregateFunction function;
};

// The first name of a function is the one it is called by.
constexpr Name kNames[] = {
    {"count", AggregateFunction::kCount},
    {"sum", AggregateFunction::kSum},
    {"min", AggregateFunction::kMin},
    {"max", AggregateFunction::kMax},
    {"avg", AggregateFunction::kAvg},
    {"stddev", AggregateFunction::kStddevSamp},
    {"stddev_samp", AggregateFunction::kStddevSamp},
    {"stddev_pop", AggregateFunction::kStddevPop},
    {"variance", AggregateFunction::kVarSamp},
    {"var_samp", AggregateFunction::kVarSamp},
    {"var_pop", AggregateFunction::kVarPop},
    {"bool_and", AggregateFunction::kBoolAnd},
    {"every", AggregateFunction::kBoolAnd},
    {"bool_or", AggregateFunction::kBoolOr},
    {"first", AggregateFunction::kFirst},
    {"last", AggregateFunction::kLast},
    {"any_value", AggregateFunction::kAnyValue},
    {"approx_count_distinct", AggregateFunction::kApproxCountDistinct},
    {"approx_quantile", AggregateFunction::kApproxQuantile},
    {"approx_percentile", AggregateFunction::kApproxQuantile},
    {"median", AggregateFunction::kMedian},
    {"string_agg", AggregateFunction::kStringAgg},
    {"json_agg", AggregateFunction::kJsonAgg},
    {"array_agg", AggregateFunction::kJsonAgg},
    {"json_object_agg", AggregateFunction::kJsonObjectAgg},
};

const Name* find_name(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Name::name);
  return found == std::end(kNames) ? nullptr : found;
}

}  // namespace

std::string_view to_string(AggregateFunction function) {
  return std::ranges::find(kNames, function, &Name::function)->name;
}

std::vector<std::size_t> AggregateCall::columns() const {
  std::set<std::size_t> out;
  for (const auto* part : {&argument, &value, &filter}) {
    if (!part->has_value()) continue;
    for (const std::size_t column : (*part)->columns()) out.insert(column);
  }
  return {out.begin(), out.end()};
}

namespace expression {

using Kind = Ast::Kind;

bool is_aggregate(std::string_view function) { return find_name(function) != nullptr; }

std::vector<std::string> aggregate_names() {
  std::vector<std::string> names;
  for (const auto& entry : kNames) names.emplace_back(entry.name);
  return names;
}

namespace {

void refuse_nested(const Ast& ast) {
  if (ast.kind == Kind::kCall && is_aggregate(ast.text)) throw Failure{ast.offset, "aggregates cannot be nested", ""};
  for (const Ast& argument : ast.arguments) refuse_nested(argument);
  for (const Ast& filter : ast.filter) refuse_nested(filter);
}

Ast cast_to(const char* type, const Ast& ast) {
  Ast cast;
  cast.kind = Kind::kCast;
  cast.offset = ast.offset;
  cast.index = ast.offset;
  cast.text = type;
  cast.arguments.push_back(ast);
  return cast;
}

bool number(Type type) { return type == kBigint || type == kDouble || type.kind == TypeKind::kDecimal; }

// One call of an aggregate.
class AggregateBinder {
 public:
  AggregateBinder(const Ast& ast, const Scope& scope) : ast_(ast), binder_(scope) {}

  AggregateCall run() {
    call_.function = find_name(ast_.text)->function;
    call_.distinct = ast_.distinct;
    call_.argument_type = kBigint;
    for (const Ast& argument : ast_.arguments) refuse_nested(argument);
    for (const Ast& filter : ast_.filter) refuse_nested(filter);
    check_count();
    if (!ast_.star) bind_argument();
    if (ast_.arguments.size() == 2) bind_second(ast_.arguments[1]);
    if (!ast_.filter.empty()) bind_filter();
    call_.result_type = result();
    settle_distinct();
    return std::move(call_);
  }

 private:
  void check_count() const {
    const bool two = call_.function == AggregateFunction::kApproxQuantile ||
                     call_.function == AggregateFunction::kStringAgg ||
                     call_.function == AggregateFunction::kJsonObjectAgg;
    if (two) {
      if (ast_.star || ast_.arguments.size() != 2)
        throw Failure{ast_.offset, ast_.text + "() needs two arguments", two_arguments()};
      return;
    }
    const bool count = call_.function == AggregateFunction::kCount;
    if (ast_.star != ast_.arguments.empty() || ast_.arguments.size() > 1 || (ast_.star && !count))
      throw Failure{ast_.offset, ast_.text + "() needs one argument", count ? "count(*) counts rows" : ""};
  }

  std::string two_arguments() const {
    if (call_.function == AggregateFunction::kApproxQuantile)
      return "the value and which quantile: " + ast_.text + "(ms, 0.99)";
    if (call_.function == AggregateFunction::kStringAgg)
      return "the text and what stands between two: string_agg(name, ', ')";
    return "the key and the value";
  }

  void bind_argument() {
    NodePtr node = binder_.bind(ast_.arguments[0]);
    call_.argument_type = node->type();
    const bool quantile =
        call_.function == AggregateFunction::kApproxQuantile || call_.function == AggregateFunction::kMedian;
    if (quantile && number(call_.argument_type)) {
      node = binder_.bind(cast_to("float8", ast_.arguments[0]));
      call_.argument_type = kDouble;
    }
    if (call_.function == AggregateFunction::kJsonObjectAgg && call_.argument_type != kVarchar) {
      node = binder_.bind(cast_to("text", ast_.arguments[0]));
      call_.argument_type = kVarchar;
    }
    call_.argument = Compiler::wrap(std::move(node), "");
  }

  void bind_second(const Ast& ast) {
    if (call_.function == AggregateFunction::kJsonObjectAgg) {
      call_.value = Compiler::wrap(binder_.bind(ast), "");
    } else if (call_.function == AggregateFunction::kStringAgg) {
      if (ast.kind != Kind::kText) throw Failure{ast.offset, "the separator must be a text in quotes", ""};
      call_.separator = ast.text;
    } else {
      call_.quantile = quantile_of(ast);
    }
  }

  static double quantile_of(const Ast& ast) {
    double value = -1;
    if (ast.kind == Kind::kNumber || ast.kind == Kind::kInteger)
      std::from_chars(ast.text.data(), ast.text.data() + ast.text.size(), value);
    if (value >= 0 && value <= 1) return value;
    throw Failure{ast.offset, "the quantile must be a number from 0 to 1", "0.99: only 1 % is above it"};
  }

  void bind_filter() {
    NodePtr node = binder_.bind(ast_.filter[0]);
    if (node->type() != kBoolean)
      throw Failure{ast_.filter[0].offset, "FILTER needs a BOOLEAN, not " + to_string(node->type()), ""};
    call_.filter = Compiler::wrap(std::move(node), "");
  }

  Failure refusal() const {
    const Type type = call_.argument_type;
    std::string hint;
    if (call_.function == AggregateFunction::kStringAgg) {
      hint = "convert it: string_agg((…)::text, …)";
    } else if (type == kVarchar) {
      const bool truth = call_.function == AggregateFunction::kBoolAnd || call_.function == AggregateFunction::kBoolOr;
      hint = "convert it: " + ast_.text + "((…)::" + (truth ? "boolean" : "bigint") + ")";
    }
    return {ast_.offset, "no aggregate " + ast_.text + "(" + to_string(type) + ")", hint};
  }

  Type require(bool fits, Type result) const {
    if (!fits) throw refusal();
    return result;
  }

  Type result() const {
    const Type type = call_.argument_type;
    const bool decimal = type.kind == TypeKind::kDecimal;
    switch (call_.function) {
      case AggregateFunction::kCount:
      case AggregateFunction::kApproxCountDistinct: return kBigint;
      case AggregateFunction::kMin:
      case AggregateFunction::kMax: return require(type != kJson && type != kBoolean, type);
      case AggregateFunction::kSum:
        return decimal ? decimal_type(38, type.scale) : require(number(type) || type == kInterval, type);
      case AggregateFunction::kAvg:
        if (decimal) return decimal_type(38, std::max<std::uint8_t>(type.scale, 16));
        return type == kInterval ? type : require(number(type), kDouble);
      case AggregateFunction::kVarPop:
      case AggregateFunction::kVarSamp:
      case AggregateFunction::kStddevPop:
      case AggregateFunction::kStddevSamp:
      case AggregateFunction::kApproxQuantile:
      case AggregateFunction::kMedian: return require(number(type), kDouble);
      case AggregateFunction::kBoolAnd:
      case AggregateFunction::kBoolOr: return require(type == kBoolean, kBoolean);
      case AggregateFunction::kFirst:
      case AggregateFunction::kLast:
      case AggregateFunction::kAnyValue: return type;
      case AggregateFunction::kStringAgg: return require(type == kVarchar, kVarchar);
      case AggregateFunction::kJsonAgg:
      case AggregateFunction::kJsonObjectAgg: break;
    }
    return kJson;
  }

  // Where DISTINCT changes nothing it would cost memory.
  void settle_distinct() {
    switch (call_.function) {
      case AggregateFunction::kMin:
      case AggregateFunction::kMax:
      case AggregateFunction::kBoolAnd:
      case AggregateFunction::kBoolOr:
      case AggregateFunction::kAnyValue:
      case AggregateFunction::kApproxCountDistinct: call_.distinct = false; return;
      case AggregateFunction::kFirst:
      case AggregateFunction::kLast:
      case AggregateFunction::kApproxQuantile:
        if (call_.distinct) throw Failure{ast_.offset, ast_.text + "() does not know DISTINCT", ""};
        return;
      default: return;
    }
  }

  const Ast& ast_;
  Binder binder_;
  AggregateCall call_;
};

}  // namespace

AggregateCall bind_aggregate(const Ast& ast, const Scope& scope) { return AggregateBinder(ast, scope).run(); }

}  // namespace expression
}  // namespace stream
