#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <random>

#include "stages/expression/decimal.h"
#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/operators.h"

namespace stream::expression {
namespace {

using std::int64_t;

constexpr CallTraits kTotal{.total = true};

// A function of one DOUBLE with a domain; `allowed` says where it is defined.
template <class F, class Allowed>
Kernel within(F f, Allowed allowed, const char* reason) {
  return map_checked<double, double>([=](double x, double& out) -> const char* {
    if (!std::isnan(x) && !allowed(x)) return reason;
    out = f(x);
    if (std::isinf(out) && std::isfinite(x)) return kDoubleRange;
    return nullptr;
  });
}

bool anywhere(double) { return true; }
bool in_unit(double x) { return x >= -1 && x <= 1; }

void add_double_functions(Functions& f) {
  f.add("abs", "f", kDouble, map<double, double>([](double x) { return std::fabs(x); }), kTotal);
  for (const char* name : {"ceil", "ceiling"}) {
    f.add(name, "f", kDouble, map<double, double>([](double x) { return std::ceil(x); }), kTotal);
  }
  f.add("floor", "f", kDouble, map<double, double>([](double x) { return std::floor(x); }), kTotal);
  f.add("round", "f", kDouble, map<double, double>([](double x) { return std::rint(x); }), kTotal);
  f.add("trunc", "f", kDouble, map<double, double>([](double x) { return std::trunc(x); }), kTotal);
  f.add("sign", "f", kDouble, map<double, double>([](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }), kTotal);
  f.add("sqrt", "f", kDouble,
        within([](double x) { return std::sqrt(x); }, [](double x) { return x >= 0; },
               "square root of a negative number"));
  f.add("cbrt", "f", kDouble, map<double, double>([](double x) { return std::cbrt(x); }), kTotal);
  f.add("exp", "f", kDouble, map_checked<double, double>([](double x, double& out) -> const char* {
          out = std::exp(x);
          return std::isfinite(x) && (std::isinf(out) || out == 0) ? kDoubleRange : nullptr;
        }));
  const auto logarithm = [&](const char* name, double (*log)(double)) {
    f.add(name, "f", kDouble, map_checked<double, double>([log](double x, double& out) -> const char* {
            if (x == 0) return "logarithm of zero";
            if (x < 0) return "logarithm of a negative number";
            out = log(x);
            return nullptr;
          }));
  };
  logarithm("ln", [](double x) { return std::log(x); });
  logarithm("log", [](double x) { return std::log10(x); });
  logarithm("log10", [](double x) { return std::log10(x); });
  f.add("log", "ff", kDouble,
        map_checked<double, double, double>([](double base, double x, double& out) -> const char* {
          if (x == 0 || base == 0) return "logarithm of zero";
          if (x < 0 || base < 0) return "logarithm of a negative number";
          const double below = std::log(base);
          if (below == 0) return kDivisionByZero;
          out = std::log(x) / below;
          return nullptr;
        }));
}

void add_trigonometry(Functions& f) {
  const auto finite = [](double x) { return std::isfinite(x); };
  static constexpr char kInfinite[] = "input is out of range";
  f.add("sin", "f", kDouble, within([](double x) { return std::sin(x); }, finite, kInfinite));
  f.add("cos", "f", kDouble, within([](double x) { return std::cos(x); }, finite, kInfinite));
  f.add("tan", "f", kDouble, within([](double x) { return std::tan(x); }, finite, kInfinite));
  f.add("asin", "f", kDouble, within([](double x) { return std::asin(x); }, in_unit, kInfinite));
  f.add("acos", "f", kDouble, within([](double x) { return std::acos(x); }, in_unit, kInfinite));
  f.add("atan", "f", kDouble, within([](double x) { return std::atan(x); }, anywhere, kInfinite));
  f.add("atan2", "ff", kDouble, map<double, double, double>([](double y, double x) { return std::atan2(y, x); }),
        kTotal);
  f.add("degrees", "f", kDouble, within([](double x) { return x / (M_PI / 180); }, anywhere, kInfinite));
  f.add("radians", "f", kDouble, map<double, double>([](double x) { return x * (M_PI / 180); }), kTotal);
  f.add(
      "pi", "", kDouble,
      [](const Call& call, std::span<const Value>) {
        ColumnBuilder builder(kDouble, call.rows);
        for (std::size_t i = 0; i < call.rows; ++i) builder.append(M_PI);
        return builder.finish();
      },
      kTotal);
  f.add("random", "", kDouble,
        [](const Call& call, std::span<const Value>) {
          thread_local std::mt19937_64 generator{std::random_device{}()};
          std::uniform_real_distribution<double> unit(0, 1);
          ColumnBuilder builder(kDouble, call.rows);
          for (std::size_t i = 0; i < call.rows; ++i) builder.append(unit(generator));
          return builder.finish();
        },
        {.total = true, .deterministic = false});
}

void add_bigint_functions(Functions& f) {
  f.add("abs", "i", kBigint, map_checked<int64_t, int64_t>([](int64_t x, int64_t& out) -> const char* {
          if (x == INT64_MIN) return kBigintRange;
          out = x < 0 ? -x : x;
          return nullptr;
        }));
  f.add_made("mod", "ii", [](std::span<const NodePtr>) {
    return Made{kBigint,
                map_checked<int64_t, int64_t, int64_t>([](int64_t a, int64_t b, int64_t& out) -> const char* {
                  if (b == 0) return kDivisionByZero;
                  out = b == -1 ? 0 : a % b;
                  return nullptr;
                }),
                {}};
  });
  f.add("gcd", "ii", kBigint,
        map_checked<int64_t, int64_t, int64_t>([](int64_t a, int64_t b, int64_t& out) -> const char* {
          const auto magnitude = [](int64_t x) {
            return x < 0 ? -static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
          };
          const std::uint64_t divisor = std::gcd(magnitude(a), magnitude(b));
          if (divisor > INT64_MAX) return kBigintRange;
          out = static_cast<int64_t>(divisor);
          return nullptr;
        }));
}

const char* width_bucket(double x, double low, double high, int64_t count, int64_t& out) {
  if (count <= 0 || count > INT32_MAX) return "the number of buckets must be positive and fit 32 bits";
  if (std::isnan(x) || std::isnan(low) || std::isnan(high)) return "a bucket's operand or bound cannot be NaN";
  if (!std::isfinite(low) || !std::isfinite(high)) return "a bucket's bounds must be finite";
  if (low == high) return "a bucket's bounds cannot be equal";
  const bool up = low < high;
  if (up ? x < low : x > low) {
    out = 0;
  } else if (up ? x >= high : x <= high) {
    out = count + 1;
  } else {
    out = static_cast<int64_t>((x / 2 - low / 2) / (high / 2 - low / 2) * static_cast<double>(count)) + 1;
    out = std::min(out, count);
  }
  return nullptr;
}

const char* round_double(double x, int64_t digits, double& out) {
  if (!std::isfinite(x) || digits > 300) return out = x, nullptr;
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(std::min<int64_t>(-digits, 308)));
    out = std::rint(x / unit) * unit;
    return nullptr;
  }
  char text[700];
  const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::fixed, static_cast<int>(digits)).ptr;
  std::from_chars(text, end, out);
  return nullptr;
}

// --- DECIMAL -----------------------------------------------------------------------------------

Type with_scale(Type type, int scale) {
  const int precision = std::clamp(type.precision - type.scale + scale + 1, std::max(1, scale), kDecimalDigits);
  return decimal_type(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale));
}

enum class Rounding : std::uint8_t { kNearest, kDown, kUp, kCut };

bool round_to(Decimal value, int scale, int to_scale, Rounding rounding, Decimal& out) {
  if (rounding == Rounding::kNearest || to_scale >= scale) return rescale(value, scale, to_scale, out);
  if (scale - to_scale > kDecimalDigits) return out = 0, true;
  const Decimal unit = power_of_ten(scale - to_scale);
  out = value / unit;
  if (rounding == Rounding::kDown && value % unit < 0) --out;
  if (rounding == Rounding::kUp && value % unit > 0) ++out;
  return true;
}

// With negative digits the value is rounded to tens, hundreds, … and keeps scale 0.
const char* round_digits(Decimal value, int scale, int64_t digits, int out_scale, Rounding rounding, Decimal& out) {
  digits = std::clamp<int64_t>(digits, -kDecimalDigits, out_scale);
  if (digits >= 0) {
    if (!round_to(value, scale, static_cast<int>(digits), rounding, out)) return kDecimalRange;
    return rescale(out, static_cast<int>(digits), out_scale, out) ? nullptr : kDecimalRange;
  }
  // Rounding twice would be wrong: take the unit in the value's own scale.
  const int drop = scale - static_cast<int>(digits);
  if (drop > kDecimalDigits) return out = 0, nullptr;
  if (!round_to(value, drop, 0, rounding, out)) return kDecimalRange;
  return rescale(out, 0, out_scale - static_cast<int>(digits), out) ? nullptr : kDecimalRange;
}

Maker decimal_rounding(Rounding rounding) {
  return [rounding](std::span<const NodePtr> arguments) {
    const int scale = arguments[0]->type().scale;
    return Made{with_scale(arguments[0]->type(), 0),
                map_checked<Decimal, Decimal>([=](Decimal x, Decimal& out) -> const char* {
                  return round_to(x, scale, 0, rounding, out) ? nullptr : kDecimalRange;
                }),
                {.total = true}};
  };
}

// The result's scale is the constant asked for, as PostgreSQL shows it; without one the value's own.
Maker decimal_rounding_to(Rounding rounding) {
  return [rounding](std::span<const NodePtr> arguments) {
    const Type type = arguments[0]->type();
    const Value* digits = arguments[1]->literal();
    int scale = type.scale;
    if (digits != nullptr && digits->valid(0)) {
      scale = static_cast<int>(std::clamp<int64_t>(digits->column.value<int64_t>(0), 0, kDecimalDigits));
    }
    const int from = type.scale;
    return Made{with_scale(type, scale),
                map_checked<Decimal, Decimal, int64_t>([=](Decimal x, int64_t wanted, Decimal& out) {
                  return round_digits(x, from, wanted, scale, rounding, out);
                }),
                {}};
  };
}

Made decimal_arithmetic(char op, std::span<const NodePtr> arguments) {
  const Type a = arguments[0]->type();
  const Type b = arguments[1]->type();
  Type result = decimal_result('%', a, b);
  if (op == '/') {
    result = decimal_type(static_cast<std::uint8_t>(std::clamp(a.precision - a.scale + b.scale, 1, kDecimalDigits)), 0);
  }
  return {result,
          map_checked<Decimal, Decimal, Decimal>([=](Decimal x, Decimal y, Decimal& out) -> const char* {
            if (y == 0) return kDivisionByZero;
            if (op == '/') return divide(x, a.scale, y, b.scale, 0, true, out) ? nullptr : kDecimalRange;
            if (!rescale(x, a.scale, result.scale, x) || !rescale(y, b.scale, result.scale, y)) return kDecimalRange;
            out = x % y;
            return nullptr;
          }),
          {.cost = 10}};
}

void add_decimal_functions(Functions& f) {
  f.add_made("abs", "n", [](std::span<const NodePtr> arguments) {
    return Made{arguments[0]->type(), map<Decimal, Decimal>([](Decimal x) { return x < 0 ? -x : x; }), {.total = true}};
  });
  f.add_made("sign", "n", [](std::span<const NodePtr>) {
    return Made{decimal_type(1, 0),
                map<Decimal, Decimal>([](Decimal x) { return Decimal{x > 0} - Decimal{x < 0}; }),
                {.total = true}};
  });
  f.add_made("ceil", "n", decimal_rounding(Rounding::kUp));
  f.add_made("ceiling", "n", decimal_rounding(Rounding::kUp));
  f.add_made("floor", "n", decimal_rounding(Rounding::kDown));
  f.add_made("round", "n", decimal_rounding(Rounding::kNearest));
  f.add_made("trunc", "n", decimal_rounding(Rounding::kCut));
  f.add_made("round", "ni", decimal_rounding_to(Rounding::kNearest));
  f.add_made("trunc", "ni", decimal_rounding_to(Rounding::kCut));
  f.add_made("mod", "nn", [](std::span<const NodePtr> arguments) { return decimal_arithmetic('%', arguments); });
  f.add_made("div", "nn", [](std::span<const NodePtr> arguments) { return decimal_arithmetic('/', arguments); });
}

}  // namespace

void add_number_functions(Functions& f) {
  add_double_functions(f);
  add_trigonometry(f);
  add_bigint_functions(f);
  add_decimal_functions(f);
  f.add("width_bucket", "fffi", kBigint, map_checked<int64_t, double, double, double, int64_t>(width_bucket));
  f.add_extension("round", "fi", kDouble, map_checked<double, double, int64_t>(round_double), {.total = true});
}

}  // namespace stream::expression
