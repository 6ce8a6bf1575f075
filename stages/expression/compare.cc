#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "stages/expression/decimal.h"
#include "stages/expression/operators.h"
#include "stages/expression/pair.h"
#include "stages/expression/temporal.h"

namespace stream::expression {
namespace {

using std::int64_t;
using std::uint8_t;

// One struct per comparison, so that each loop is compiled for exactly one of them. NaN equals NaN
// and is greater than every other number, as in PostgreSQL.
template <Comparison C>
struct Compare {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    if constexpr (C == Comparison::kEqual) return a == b;
    if constexpr (C == Comparison::kNotEqual) return a != b;
    if constexpr (C == Comparison::kLess) return a < b;
    if constexpr (C == Comparison::kLessEqual) return a <= b;
    if constexpr (C == Comparison::kGreater) return a > b;
    if constexpr (C == Comparison::kGreaterEqual) return a >= b;
  }
  bool operator()(double a, double b) const {
    const bool a_nan = a != a;  // NOLINT(misc-redundant-expression)
    const bool b_nan = b != b;  // NOLINT(misc-redundant-expression)
    if constexpr (C == Comparison::kEqual) return static_cast<bool>((a == b) | (a_nan & b_nan));
    if constexpr (C == Comparison::kNotEqual) return static_cast<bool>((a != b) & !(a_nan & b_nan));
    if constexpr (C == Comparison::kLess) return static_cast<bool>((a < b) | (!a_nan & b_nan));
    if constexpr (C == Comparison::kLessEqual) return static_cast<bool>((a <= b) | b_nan);
    if constexpr (C == Comparison::kGreater) return static_cast<bool>((a > b) | (a_nan & !b_nan));
    if constexpr (C == Comparison::kGreaterEqual) return static_cast<bool>((a >= b) | a_nan);
  }
};

template <class F>
auto with_comparison(Comparison comparison, F f) {
  switch (comparison) {
    case Comparison::kEqual: return f(Compare<Comparison::kEqual>());
    case Comparison::kNotEqual: return f(Compare<Comparison::kNotEqual>());
    case Comparison::kLess: return f(Compare<Comparison::kLess>());
    case Comparison::kLessEqual: return f(Compare<Comparison::kLessEqual>());
    case Comparison::kGreater: return f(Compare<Comparison::kGreater>());
    case Comparison::kGreaterEqual: break;
  }
  return f(Compare<Comparison::kGreaterEqual>());
}

template <class T>
Kernel narrow_kernel(Comparison comparison) {
  return with_comparison(comparison, [](auto compare) -> Kernel {
    return [compare](const Call& call, std::span<const Value> arguments) {
      Nulls nulls(arguments, call.rows);
      FixedOut<uint8_t> out(call.rows);
      uint8_t* const to = out.data();
      with_pair<T>(arguments, [&](auto a, auto b) {
        for (std::size_t i = 0; i < call.rows; ++i) to[i] = static_cast<uint8_t>(compare(a[i], b[i]));
      });
      return out.finish(call.type, call.rows, nulls);
    };
  });
}

// Equality with a constant text: lengths differ more often than not.
template <bool kEqual>
Column equal_constant(const Call& call, std::span<const Value> arguments) {
  const std::string_view wanted = arguments[1].column.bytes(0);
  const std::int32_t* at = arguments[0].column.offsets();
  const char* bytes = arguments[0].column.values_buffer().as<char>();
  Nulls nulls(arguments, call.rows);
  FixedOut<uint8_t> out(call.rows);
  uint8_t* const to = out.data();
  const auto length = static_cast<std::int32_t>(wanted.size());
  for (std::size_t i = 0; i < call.rows; ++i) to[i] = (at[i + 1] - at[i] == length) == kEqual;
  if (length != 0) {
    for (std::size_t i = 0; i < call.rows; ++i) {
      if (to[i] != kEqual) continue;
      const char* text = bytes + at[i];
      to[i] = (*text == wanted[0] && std::memcmp(text, wanted.data(), wanted.size()) == 0) == kEqual;
    }
  }
  return out.finish(call.type, call.rows, nulls);
}

Kernel text_kernel(Comparison comparison) {
  return with_comparison(comparison, [](auto compare) -> Kernel {
    return map<uint8_t, std::string_view, std::string_view>(
        [compare](std::string_view a, std::string_view b) { return compare(a, b); });
  });
}

Kernel decimal_kernel(Comparison comparison, Type a_type, Type b_type) {
  const int a_scale = a_type.scale;
  const int b_scale = b_type.scale;
  return with_comparison(comparison, [=](auto compare) -> Kernel {
    if (a_scale == b_scale) return map<uint8_t, Decimal, Decimal>(compare);
    // At one scale they still fit.
    const int more = std::abs(a_scale - b_scale);
    if ((a_scale < b_scale ? a_type : b_type).precision + more <= kDecimalDigits) {
      const Decimal a_times = a_scale < b_scale ? power_of_ten(more) : 1;
      const Decimal b_times = a_scale < b_scale ? 1 : power_of_ten(more);
      return map<uint8_t, Decimal, Decimal>(
          [=](Decimal a, Decimal b) { return compare(wrapping_product(a, a_times), wrapping_product(b, b_times)); });
    }
    return map<uint8_t, Decimal, Decimal>(
        [=](Decimal a, Decimal b) { return compare(compare_decimals(a, a_scale, b, b_scale), 0); });
  });
}

Kernel interval_kernel(Comparison comparison) {
  return with_comparison(comparison, [](auto compare) -> Kernel {
    return map<uint8_t, Interval, Interval>(
        [compare](Interval a, Interval b) { return compare(interval_span(a), interval_span(b)); });
  });
}

Kernel kernel_of(Comparison comparison, const Node& a, const Node& b) {
  switch (a.type().kind) {
    case TypeKind::kBoolean: return narrow_kernel<uint8_t>(comparison);
    case TypeKind::kDate: return narrow_kernel<std::int32_t>(comparison);
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return narrow_kernel<int64_t>(comparison);
    case TypeKind::kDouble: return narrow_kernel<double>(comparison);
    case TypeKind::kDecimal: return decimal_kernel(comparison, a.type(), b.type());
    case TypeKind::kInterval: return interval_kernel(comparison);
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: break;
  }
  if (b.literal() != nullptr && a.literal() == nullptr && comparison == Comparison::kEqual) return equal_constant<true>;
  if (b.literal() != nullptr && a.literal() == nullptr && comparison == Comparison::kNotEqual) {
    return equal_constant<false>;
  }
  return text_kernel(comparison);
}

Comparison mirrored(Comparison comparison) {
  switch (comparison) {
    case Comparison::kLess: return Comparison::kGreater;
    case Comparison::kLessEqual: return Comparison::kGreaterEqual;
    case Comparison::kGreater: return Comparison::kLess;
    case Comparison::kGreaterEqual: return Comparison::kLessEqual;
    case Comparison::kEqual:
    case Comparison::kNotEqual: break;
  }
  return comparison;
}

template <class T>
int order(T a, T b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int order_doubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return order<int>(std::isnan(a), std::isnan(b));
  return order(a, b);
}

template <class T>
T load(const Column& column, std::size_t row) {
  T value;
  std::memcpy(&value, column.values_buffer().data() + row * sizeof(T), sizeof(T));
  return value;
}

// BIGINT column against a DECIMAL constant: turn it into BIGINT against BIGINT.
NodePtr narrowed(Comparison comparison, const NodePtr& a, const NodePtr& b) {
  const Value* constant = b->literal();
  if (constant == nullptr || !constant->valid(0) || a->literal() != nullptr) return nullptr;
  if (a->type() != decimal_type(19, 0) || a->arguments().size() != 1) return nullptr;
  if (a->arguments()[0]->type() != kBigint) return nullptr;
  const Decimal value = load<Decimal>(constant->column, 0);
  const Decimal unit = power_of_ten(b->type().scale);
  Decimal floor = value / unit - (value % unit < 0 ? 1 : 0);
  const bool exact = value % unit == 0;
  if (floor >= INT64_MAX || floor <= INT64_MIN) return nullptr;
  if (!exact) {
    // Between floor and floor + 1: < and <= become <= floor, > and >= become > floor.
    if (comparison == Comparison::kEqual || comparison == Comparison::kNotEqual) return nullptr;
    comparison = comparison == Comparison::kLess || comparison == Comparison::kLessEqual ? Comparison::kLessEqual
                                                                                         : Comparison::kGreater;
  }
  return make_comparison(comparison, a->arguments()[0], make_fixed<int64_t>(kBigint, static_cast<int64_t>(floor)));
}

}  // namespace

NodePtr make_comparison(Comparison comparison, NodePtr a, NodePtr b) {
  STREAM_CHECK(a->type().kind == b->type().kind);
  if (a->literal() != nullptr && b->literal() == nullptr) {
    std::swap(a, b);
    comparison = mirrored(comparison);
  }
  if (NodePtr node = narrowed(comparison, a, b)) return node;
  Kernel kernel = kernel_of(comparison, *a, *b);
  const std::uint32_t cost = a->type().variable() ? 5 : 1;
  return make_call(kBoolean, {std::move(a), std::move(b)}, std::move(kernel), {.total = true, .cost = cost});
}

int compare_rows(const Column& a, std::size_t i, const Column& b, std::size_t j) {
  switch (a.type().kind) {
    case TypeKind::kBoolean: return order(load<uint8_t>(a, i), load<uint8_t>(b, j));
    case TypeKind::kDate: return order(load<std::int32_t>(a, i), load<std::int32_t>(b, j));
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return order(load<int64_t>(a, i), load<int64_t>(b, j));
    case TypeKind::kDouble: return order_doubles(load<double>(a, i), load<double>(b, j));
    case TypeKind::kDecimal:
      return compare_decimals(load<Decimal>(a, i), a.type().scale, load<Decimal>(b, j), b.type().scale);
    case TypeKind::kInterval: return order(interval_span(load<Interval>(a, i)), interval_span(load<Interval>(b, j)));
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: break;
  }
  return a.bytes(i).compare(b.bytes(j));
}

NodePtr make_distinct(NodePtr a, NodePtr b, bool negated) {
  Kernel kernel = [negated](const Call& call, std::span<const Value> arguments) {
    Nulls nulls(call.rows);
    FixedOut<uint8_t> out(call.rows);
    const Value& x = arguments[0];
    const Value& y = arguments[1];
    for (std::size_t i = 0; i < call.rows; ++i) {
      const bool valid = x.valid(i);
      bool distinct = valid != y.valid(i);
      if (valid && !distinct) distinct = compare_rows(x.column, x.row(i), y.column, y.row(i)) != 0;
      out.data()[i] = distinct != negated;
    }
    return out.finish(call.type, call.rows, nulls);
  };
  return make_call(kBoolean, {std::move(a), std::move(b)}, std::move(kernel),
                   {.strict = false, .total = true, .cost = 5});
}

namespace {

template <class T>
Kernel in_integers(const std::vector<NodePtr>& items, bool has_null, bool negated) {
  std::vector<T> values;
  for (const NodePtr& item : items) {
    if (item->literal()->valid(0)) values.push_back(item->literal()->column.value<T>(0));
  }
  std::ranges::sort(values);
  const bool small = values.size() <= 8;
  return [=](const Call& call, std::span<const Value> arguments) {
    Nulls nulls(arguments, call.rows);
    FixedOut<uint8_t> out(call.rows);
    uint8_t* const to = out.data();
    const In<T> in(arguments[0]);
    if (small) {
      std::memset(to, 0, call.rows);
      for (const T wanted : values) {
        for (std::size_t i = 0; i < call.rows; ++i) to[i] |= static_cast<uint8_t>(in[i] == wanted);
      }
    } else {
      for (std::size_t i = 0; i < call.rows; ++i) to[i] = std::ranges::binary_search(values, in[i]);
    }
    for (std::size_t i = 0; i < call.rows; ++i) {
      if (has_null && to[i] == 0 && nulls.valid(i)) nulls.set_null(i);
      to[i] = (to[i] != 0) != negated;
    }
    return out.finish(call.type, call.rows, nulls);
  };
}

Kernel in_texts(const std::vector<NodePtr>& items, bool has_null, bool negated) {
  // Views point into the literals, which the kernel keeps alive.
  auto values = std::make_shared<std::unordered_set<std::string_view>>();
  for (const NodePtr& item : items) {
    if (item->literal()->valid(0)) values->insert(item->literal()->column.bytes(0));
  }
  return map_checked<uint8_t, std::string_view>(
      [values, items, has_null, negated](std::string_view text, uint8_t& out) -> const char* {
        const bool found = values->contains(text);
        out = found != negated;
        return !found && has_null ? kNullResult : nullptr;
      });
}

}  // namespace

NodePtr make_in(NodePtr value, std::vector<NodePtr> items, bool negated) {
  bool literals = true;
  bool has_null = false;
  for (const NodePtr& item : items) {
    literals = literals && item->literal() != nullptr;
    has_null = has_null || (item->literal() != nullptr && !item->literal()->valid(0));
  }
  const TypeKind kind = value->type().kind;
  const CallTraits traits{.total = true, .cost = 10};
  if (literals && (kind == TypeKind::kBigint || kind == TypeKind::kTimestamp)) {
    return make_call(kBoolean, {std::move(value)}, in_integers<int64_t>(items, has_null, negated), traits);
  }
  if (literals && kind == TypeKind::kDate) {
    return make_call(kBoolean, {std::move(value)}, in_integers<std::int32_t>(items, has_null, negated), traits);
  }
  if (literals && kind == TypeKind::kVarchar) {
    return make_call(kBoolean, {std::move(value)}, in_texts(items, has_null, negated), traits);
  }
  std::vector<NodePtr> tests;
  for (NodePtr& item : items) {
    tests.push_back(make_comparison(negated ? Comparison::kNotEqual : Comparison::kEqual, value, std::move(item)));
  }
  return negated ? make_and(std::move(tests)) : make_or(std::move(tests));
}

}  // namespace stream::expression
