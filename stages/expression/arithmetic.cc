#include <algorithm>
#include <cmath>

#include "stages/expression/decimal.h"
#include "stages/expression/operators.h"
#include "stages/expression/pair.h"
#include "stages/expression/temporal.h"

namespace stream::expression {
namespace {

using std::int64_t;

// `wrap` computes without trapping and tells through its third argument whether that was wrong; the
// loop stays free of branches and looks for the guilty rows only when there are some.
template <class Step>
Column checked_bigint(const Call& call, std::span<const Value> arguments, Step step) {
  Nulls nulls(arguments, call.rows);
  FixedOut<int64_t> out(call.rows);
  int64_t* const to = out.data();
  const bool bad = with_pair<int64_t>(arguments, [&](auto a, auto b) {
    int64_t wrong = 0;
    for (std::size_t i = 0; i < call.rows; ++i) to[i] = step(a[i], b[i], wrong);
    return wrong < 0;
  });
  if (bad) {
    with_pair<int64_t>(arguments, [&](auto a, auto b) {
      for (std::size_t i = 0; i < call.rows; ++i) {
        int64_t wrong = 0;
        step(a[i], b[i], wrong);
        if (wrong >= 0 || !nulls.valid(i)) continue;
        call.errors->set(i, kBigintRange);
        nulls.set_null(i);
      }
    });
  }
  return out.finish(call.type, call.rows, nulls);
}

int64_t as_signed(std::uint64_t value) { return static_cast<int64_t>(value); }

Column add_bigint(const Call& call, std::span<const Value> arguments) {
  return checked_bigint(call, arguments, [](int64_t a, int64_t b, int64_t& wrong) {
    const int64_t sum = as_signed(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    wrong |= (a ^ sum) & (b ^ sum);
    return sum;
  });
}

Column subtract_bigint(const Call& call, std::span<const Value> arguments) {
  return checked_bigint(call, arguments, [](int64_t a, int64_t b, int64_t& wrong) {
    const int64_t rest = as_signed(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    wrong |= (a ^ b) & (a ^ rest);
    return rest;
  });
}

Column multiply_bigint(const Call& call, std::span<const Value> arguments) {
  return checked_bigint(call, arguments, [](int64_t a, int64_t b, int64_t& wrong) {
    int64_t product = 0;
    wrong |= -static_cast<int64_t>(__builtin_mul_overflow(a, b, &product));
    return product;
  });
}

const char* divide_bigint(int64_t a, int64_t b, int64_t& out) {
  if (b == 0) return kDivisionByZero;
  if (b == -1) return __builtin_sub_overflow(int64_t{0}, a, &out) ? kBigintRange : nullptr;
  out = a / b;
  return nullptr;
}

const char* modulo_bigint(int64_t a, int64_t b, int64_t& out) {
  if (b == 0) return kDivisionByZero;
  out = b == -1 ? 0 : a % b;
  return nullptr;
}

// A finite result that became infinite, or a product that vanished, is an error as in PostgreSQL.
template <class F>
Column checked_double(const Call& call, std::span<const Value> arguments, F f, bool vanishes) {
  Nulls nulls(arguments, call.rows);
  FixedOut<double> out(call.rows);
  double* const to = out.data();
  with_pair<double>(arguments, [&](auto a, auto b) {
    for (std::size_t i = 0; i < call.rows; ++i) to[i] = f(a[i], b[i]);
    for (std::size_t i = 0; i < call.rows; ++i) {
      const bool overflow = std::isinf(to[i]) && !std::isinf(a[i]) && !std::isinf(b[i]);
      const bool underflow = vanishes && to[i] == 0 && a[i] != 0 && b[i] != 0 && !std::isinf(b[i]);
      if ((!overflow && !underflow) || !nulls.valid(i)) continue;
      call.errors->set(i, kDoubleRange);
      nulls.set_null(i);
    }
  });
  return out.finish(call.type, call.rows, nulls);
}

Column add_double(const Call& call, std::span<const Value> arguments) {
  return checked_double(
      call, arguments, [](double a, double b) { return a + b; }, false);
}
Column subtract_double(const Call& call, std::span<const Value> arguments) {
  return checked_double(
      call, arguments, [](double a, double b) { return a - b; }, false);
}
Column multiply_double(const Call& call, std::span<const Value> arguments) {
  return checked_double(
      call, arguments, [](double a, double b) { return a * b; }, true);
}

const char* divide_double(double a, double b, double& out) {
  if (b == 0 && !std::isnan(a)) return kDivisionByZero;
  out = a / b;
  if (std::isinf(out) && !std::isinf(a)) return kDoubleRange;
  return out == 0 && a != 0 && !std::isinf(b) ? kDoubleRange : nullptr;
}

// Whether every result has its digits.
bool never_too_long(char op, Type a, Type b) {
  if (op == '*') return a.precision + b.precision <= kDecimalDigits;
  const int whole = std::max(a.precision - a.scale, b.precision - b.scale);
  return (op == '+' || op == '-') && whole + std::max(a.scale, b.scale) + 1 <= kDecimalDigits;
}

Kernel short_decimal_kernel(char op, Type a, Type b, Type result) {
  if (op == '*') return map<Decimal, Decimal, Decimal>([](Decimal x, Decimal y) { return wrapping_product(x, y); });
  const Decimal a_times = power_of_ten(result.scale - a.scale);
  const Decimal b_times = power_of_ten(result.scale - b.scale) * (op == '-' ? -1 : 1);
  return map<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y) {
    return static_cast<Decimal>(static_cast<unsigned __int128>(wrapping_product(x, a_times)) +
                                static_cast<unsigned __int128>(wrapping_product(y, b_times)));
  });
}

Kernel decimal_kernel(char op, Type a, Type b, Type result) {
  const int sa = a.scale;
  const int sb = b.scale;
  const int s = result.scale;
  switch (op) {
    case '+':
    case '-':
      return map_checked<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y, Decimal& out) -> const char* {
        if (!rescale(x, sa, s, x) || !rescale(y, sb, s, y)) return kDecimalRange;
        const bool over = op == '+' ? __builtin_add_overflow(x, y, &out) : __builtin_sub_overflow(x, y, &out);
        return !over && fits_decimal(out) ? nullptr : kDecimalRange;
      });
    case '*':
      return map_checked<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y, Decimal& out) -> const char* {
        return multiply(x, sa, y, sb, s, out) ? nullptr : kDecimalRange;
      });
    case '/':
      return map_checked<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y, Decimal& out) -> const char* {
        if (y == 0) return kDivisionByZero;
        return divide(x, sa, y, sb, s, false, out) ? nullptr : kDecimalRange;
      });
    default:
      return map_checked<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y, Decimal& out) -> const char* {
        if (y == 0) return kDivisionByZero;
        if (!rescale(x, sa, s, x) || !rescale(y, sb, s, y)) return kDecimalRange;
        out = x % y;
        return nullptr;
      });
  }
}

Kernel bigint_kernel(char op) {
  switch (op) {
    case '+': return add_bigint;
    case '-': return subtract_bigint;
    case '*': return multiply_bigint;
    case '/': return map_checked<int64_t, int64_t, int64_t>(divide_bigint);
    default: return map_checked<int64_t, int64_t, int64_t>(modulo_bigint);
  }
}

Kernel double_kernel(char op) {
  switch (op) {
    case '+': return add_double;
    case '-': return subtract_double;
    case '*': return multiply_double;
    default: return map_checked<double, double, double>(divide_double);
  }
}

}  // namespace

Type decimal_result(char op, Type a, Type b) {
  const int whole = std::max(a.precision - a.scale, b.precision - b.scale);
  int scale = std::max(a.scale, b.scale);
  int precision = whole + scale + 1;
  if (op == '*') {
    scale = a.scale + b.scale;
    precision = a.precision + b.precision;
    // Keep room for the whole part: digits behind the 18th place give way first.
    if (precision > kDecimalDigits) scale = std::min(scale, std::max(18, std::max<int>(a.scale, b.scale)));
  } else if (op == '/') {
    scale = std::max(scale, 16);
    precision = kDecimalDigits;
  } else if (op == '%') {
    precision = whole + scale;
  }
  precision = std::clamp(precision, 1, kDecimalDigits);
  return decimal_type(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(std::min(scale, precision)));
}

NodePtr make_arithmetic(char op, NodePtr a, NodePtr b) {
  const Type type = a->type();
  STREAM_CHECK(type.kind == b->type().kind);
  if (type.kind == TypeKind::kBigint) {
    // A constant divisor that is not 0 or -1 cannot fail.
    const Value* divisor = b->literal();
    const bool safe = (op == '/' || op == '%') && divisor != nullptr && divisor->valid(0) &&
                      divisor->column.value<int64_t>(0) != 0 && divisor->column.value<int64_t>(0) != -1;
    return make_call(kBigint, {std::move(a), std::move(b)}, bigint_kernel(op), {.total = safe});
  }
  if (type.kind == TypeKind::kDouble) return make_call(kDouble, {std::move(a), std::move(b)}, double_kernel(op));
  STREAM_CHECK(type.kind == TypeKind::kDecimal);
  const Type result = decimal_result(op, type, b->type());
  if (never_too_long(op, type, b->type())) {
    Kernel kernel = short_decimal_kernel(op, type, b->type(), result);
    return make_call(result, {std::move(a), std::move(b)}, std::move(kernel), {.total = true, .cost = 4});
  }
  Kernel kernel = decimal_kernel(op, type, b->type(), result);
  return make_call(result, {std::move(a), std::move(b)}, std::move(kernel), {.cost = 10});
}

NodePtr make_power(NodePtr a, NodePtr b) {
  return make_call(kDouble, {std::move(a), std::move(b)},
                   map_checked<double, double, double>([](double x, double y, double& out) -> const char* {
                     if (x == 0 && y < 0) return "zero raised to a negative power";
                     if (x < 0 && !std::isnan(y) && y != std::floor(y)) {
                       return "negative number raised to a fraction";
                     }
                     out = std::pow(x, y);
                     if (std::isinf(out) && std::isfinite(x) && std::isfinite(y)) return kDoubleRange;
                     return out == 0 && x != 0 && std::isfinite(x) && std::isfinite(y) ? kDoubleRange : nullptr;
                   }),
                   {.cost = 20});
}

NodePtr make_negation(NodePtr a) {
  const Type type = a->type();
  Kernel kernel;
  CallTraits traits;
  switch (type.kind) {
    case TypeKind::kBigint:
      kernel = map_checked<int64_t, int64_t>([](int64_t x, int64_t& out) -> const char* {
        return __builtin_sub_overflow(int64_t{0}, x, &out) ? kBigintRange : nullptr;
      });
      break;
    case TypeKind::kDouble:
      kernel = map<double, double>([](double x) { return -x; });
      traits.total = true;
      break;
    case TypeKind::kDecimal:
      kernel = map<Decimal, Decimal>([](Decimal x) { return -x; });
      traits.total = true;
      break;
    default:
      STREAM_CHECK(type.kind == TypeKind::kInterval);
      kernel = map_checked<Interval, Interval>([](Interval x, Interval& out) -> const char* {
        return add_intervals({}, x, -1, out) ? nullptr : kIntervalRange;
      });
  }
  return make_call(type, {std::move(a)}, std::move(kernel), traits);
}

NodePtr make_bitwise(std::string_view op, NodePtr a, NodePtr b) {
  Kernel kernel;
  if (op == "&") kernel = map<int64_t, int64_t, int64_t>([](int64_t x, int64_t y) { return x & y; });
  if (op == "|") kernel = map<int64_t, int64_t, int64_t>([](int64_t x, int64_t y) { return x | y; });
  if (op == "#") kernel = map<int64_t, int64_t, int64_t>([](int64_t x, int64_t y) { return x ^ y; });
  if (op == "<<") {
    kernel = map<int64_t, int64_t, int64_t>(
        [](int64_t x, int64_t y) { return as_signed(static_cast<std::uint64_t>(x) << (y & 63)); });
  }
  if (op == ">>") kernel = map<int64_t, int64_t, int64_t>([](int64_t x, int64_t y) { return x >> (y & 63); });
  return make_call(kBigint, {std::move(a), std::move(b)}, std::move(kernel), {.total = true});
}

}  // namespace stream::expression
