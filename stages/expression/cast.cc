#include <charconv>
#include <cmath>
#include <cstdio>

#include "stages/expression/decimal.h"
#include "stages/expression/json.h"
#include "stages/expression/kernel.h"
#include "stages/expression/operators.h"
#include "stages/expression/temporal.h"
#include "stages/expression/value_text.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

using std::int64_t;
using std::uint8_t;
using Bytes = std::string_view;

const char* reason_of(TemporalText status, const char* invalid, const char* range) {
  switch (status) {
    case TemporalText::kOk: return nullptr;
    case TemporalText::kInvalid: return invalid;
    case TemporalText::kOutOfRange: break;
  }
  return range;
}

const char* text_to_decimal(Bytes text, int precision, int scale, Decimal& out) {
  switch (parse_decimal(text, precision, scale, out)) {
    case DecimalText::kOk: return nullptr;
    case DecimalText::kInvalid: return "invalid text for DECIMAL";
    case DecimalText::kOutOfRange: break;
  }
  return kDecimalRange;
}

const char* double_to_bigint(double value, int64_t& out) {
  const double rounded = std::rint(value);
  if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)) return kBigintRange;
  out = static_cast<int64_t>(rounded);
  return nullptr;
}

const char* decimal_to_bigint(Decimal value, int scale, int64_t& out) {
  Decimal whole;
  if (!rescale(value, scale, 0, whole) || whole > INT64_MAX || whole < INT64_MIN) return kBigintRange;
  out = static_cast<int64_t>(whole);
  return nullptr;
}

Kernel to_boolean(Type from) {
  switch (from.kind) {
    case TypeKind::kVarchar: return map_checked<uint8_t, Bytes>(parse_boolean);
    case TypeKind::kBigint: return map<uint8_t, int64_t>([](int64_t x) { return x != 0; });
    case TypeKind::kJson: return map_checked<uint8_t, Bytes>(json_to_boolean);
    default: return nullptr;
  }
}

Kernel to_bigint(Type from) {
  const int scale = from.scale;
  switch (from.kind) {
    case TypeKind::kVarchar: return map_checked<int64_t, Bytes>(parse_bigint);
    case TypeKind::kBoolean: return map<int64_t, uint8_t>([](uint8_t x) { return x; });
    case TypeKind::kDouble: return map_checked<int64_t, double>(double_to_bigint);
    case TypeKind::kDecimal:
      return map_checked<int64_t, Decimal>(
          [scale](Decimal x, int64_t& out) { return decimal_to_bigint(x, scale, out); });
    case TypeKind::kJson:
      return map_checked<int64_t, Bytes>([](Bytes json, int64_t& out) -> const char* {
        Decimal number;
        if (const char* reason = json_number_text(json, json)) return reason;
        if (const char* reason = text_to_decimal(json, kDecimalDigits, 0, number)) return reason;
        return decimal_to_bigint(number, 0, out);
      });
    default: return nullptr;
  }
}

Kernel to_double_kernel(Type from) {
  const int scale = from.scale;
  switch (from.kind) {
    case TypeKind::kVarchar: return map_checked<double, Bytes>(parse_double);
    case TypeKind::kBigint: return map<double, int64_t>([](int64_t x) { return static_cast<double>(x); });
    case TypeKind::kDecimal: return map<double, Decimal>([scale](Decimal x) { return to_double(x, scale); });
    case TypeKind::kJson:
      return map_checked<double, Bytes>([](Bytes json, double& out) -> const char* {
        if (const char* reason = json_number_text(json, json)) return reason;
        return parse_double(json, out);
      });
    default: return nullptr;
  }
}

Kernel to_decimal(Type from, Type to) {
  const int precision = to.precision;
  const int scale = to.scale;
  const int from_scale = from.scale;
  switch (from.kind) {
    case TypeKind::kVarchar:
      return map_checked<Decimal, Bytes>(
          [=](Bytes text, Decimal& out) { return text_to_decimal(text, precision, scale, out); });
    case TypeKind::kBigint:
      if (to == decimal_type(19, 0)) return map<Decimal, int64_t>([](int64_t x) { return Decimal{x}; });
      return map_checked<Decimal, int64_t>([=](int64_t x, Decimal& out) -> const char* {
        return rescale(x, 0, scale, out) && fits_precision(out, precision) ? nullptr : kDecimalRange;
      });
    case TypeKind::kDecimal:
      return map_checked<Decimal, Decimal>([=](Decimal x, Decimal& out) -> const char* {
        return rescale(x, from_scale, scale, out) && fits_precision(out, precision) ? nullptr : kDecimalRange;
      });
    case TypeKind::kDouble:
      return map_checked<Decimal, double>([=](double x, Decimal& out) -> const char* {
        return from_double(x, precision, scale, out) ? nullptr : kDecimalRange;
      });
    case TypeKind::kJson:
      return map_checked<Decimal, Bytes>([=](Bytes json, Decimal& out) -> const char* {
        if (const char* reason = json_number_text(json, json)) return reason;
        return text_to_decimal(json, precision, scale, out);
      });
    default: return nullptr;
  }
}

template <class T, class F>
Kernel text_of(F format) {
  return map_checked<Text, T>([format](T value, Text& out) -> const char* {
    out.append(format(value));
    return nullptr;
  });
}

Kernel same_bytes() {
  return [](const Call& call, std::span<const Value> arguments) { return arguments[0].column.retyped(call.type); };
}

Kernel to_varchar(Type from) {
  const int scale = from.scale;
  switch (from.kind) {
    case TypeKind::kBoolean: return text_of<uint8_t>([](uint8_t x) { return Bytes(x != 0 ? "true" : "false"); });
    case TypeKind::kBigint: return text_of<int64_t>([](int64_t x) { return std::to_string(x); });
    case TypeKind::kDouble: return text_of<double>(format_double);
    case TypeKind::kDecimal: return text_of<Decimal>([scale](Decimal x) { return to_text(x, scale); });
    case TypeKind::kTimestamp: return text_of<int64_t>(format_timestamp);
    case TypeKind::kDate: return text_of<std::int32_t>(format_date);
    case TypeKind::kInterval: return text_of<Interval>(format_interval);
    case TypeKind::kBlob: return text_of<Bytes>(format_blob);
    case TypeKind::kJson: return same_bytes();
    case TypeKind::kVarchar: break;
  }
  return nullptr;
}

Kernel to_timestamp(Type from) {
  if (from.kind == TypeKind::kDate) {
    return map<int64_t, std::int32_t>([](std::int32_t day) { return day * kDayUs; });
  }
  if (from.kind != TypeKind::kVarchar) return nullptr;
  return map_checked<int64_t, Bytes>([](Bytes text, int64_t& out) {
    return reason_of(parse_timestamp(text, out), "invalid text for TIMESTAMP", kTimestampRange);
  });
}

Kernel to_date(Type from) {
  if (from.kind == TypeKind::kTimestamp) {
    return map<std::int32_t, int64_t>([](int64_t us) { return static_cast<std::int32_t>(split_us(us).day); });
  }
  if (from.kind != TypeKind::kVarchar) return nullptr;
  return map_checked<std::int32_t, Bytes>([](Bytes text, std::int32_t& out) {
    return reason_of(parse_date(text, out), "invalid text for DATE", kDateRange);
  });
}

Kernel to_interval(Type from) {
  if (from.kind != TypeKind::kVarchar) return nullptr;
  return map_checked<Interval, Bytes>([](Bytes text, Interval& out) {
    return reason_of(parse_interval(text, "second", out), "invalid text for INTERVAL", kIntervalRange);
  });
}

Kernel to_blob(Type from) {
  if (from.kind != TypeKind::kVarchar) return nullptr;
  return map_checked<Text, Bytes>(parse_blob);
}

Kernel to_json(Type from) {
  if (from.kind != TypeKind::kVarchar) return nullptr;
  return map_checked<Text, Bytes>([](Bytes text, Text& out) -> const char* {
    out.append(text);
    return valid_json(text) ? nullptr : "invalid JSON";
  });
}

bool total_cast(Type from, Type to) {
  switch (to.kind) {
    case TypeKind::kVarchar: return !from.variable() || from.kind == TypeKind::kJson;
    case TypeKind::kBoolean: return from.kind == TypeKind::kBigint;
    case TypeKind::kBigint: return from.kind == TypeKind::kBoolean;
    case TypeKind::kDouble: return from.kind == TypeKind::kBigint || from.kind == TypeKind::kDecimal;
    case TypeKind::kDecimal:
      if (from.kind == TypeKind::kBigint) return to.precision - to.scale >= 19;
      return from.kind == TypeKind::kDecimal && to.scale >= from.scale &&
             to.precision - to.scale >= from.precision - from.scale;
    case TypeKind::kTimestamp: return from.kind == TypeKind::kDate;
    case TypeKind::kDate: return from.kind == TypeKind::kTimestamp;
    case TypeKind::kInterval:
    case TypeKind::kBlob:
    case TypeKind::kJson: break;
  }
  return false;
}

Kernel kernel_of(Type from, Type to) {
  switch (to.kind) {
    case TypeKind::kBoolean: return to_boolean(from);
    case TypeKind::kBigint: return to_bigint(from);
    case TypeKind::kDouble: return to_double_kernel(from);
    case TypeKind::kDecimal: return to_decimal(from, to);
    case TypeKind::kVarchar: return to_varchar(from);
    case TypeKind::kTimestamp: return to_timestamp(from);
    case TypeKind::kDate: return to_date(from);
    case TypeKind::kInterval: return to_interval(from);
    case TypeKind::kBlob: return to_blob(from);
    case TypeKind::kJson: return to_json(from);
  }
  return nullptr;
}

}  // namespace

NodePtr make_cast(NodePtr a, Type to) {
  const Type from = a->type();
  if (from == to) return a;
  Kernel kernel = kernel_of(from, to);
  if (kernel == nullptr) return nullptr;
  const CallTraits traits{.total = total_cast(from, to), .cost = from.variable() || to.variable() ? 40U : 3U};
  return make_call(to, {std::move(a)}, std::move(kernel), traits);
}

}  // namespace stream::expression
