#include "stages/match/match_values.h"

#include <cmath>

#include "stages/expression/decimal.h"
#include "stages/expression/operators.h"
#include "stages/expression/temporal.h"

namespace stream {
namespace {

using Kind = PatternValue::Kind;

bool less(const Cell& left, const Cell& right) {
  return std::visit(
      [&](const auto& a) {
        using T = std::decay_t<decltype(a)>;
        const T& b = std::get<T>(right);
        if constexpr (std::is_same_v<T, Interval>) {
          return expression::interval_span(a) < expression::interval_span(b);
        } else if constexpr (std::is_same_v<T, double>) {
          return std::isnan(b) ? !std::isnan(a) : a < b;  // NaN is above every number, as in PostgreSQL
        } else {
          return a < b;
        }
      },
      left);
}

void append_cell(const Cell& cell, ColumnBuilder& out) {
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          out.append_null();
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          out.append_bytes(value);
        } else {
          out.append(value);
        }
      },
      cell);
}

// True if the sum does not fit.
bool add_to(std::int64_t& sum, std::int64_t value) { return __builtin_add_overflow(sum, value, &sum); }
bool add_to(double& sum, double value) {
  sum += value;
  return false;
}
bool add_to(Decimal& sum, Decimal value) {
  return __builtin_add_overflow(sum, value, &sum) || !expression::fits_decimal(sum);
}
bool add_to(Interval& sum, Interval value) {
  const bool months = __builtin_add_overflow(sum.months, value.months, &sum.months);
  const bool days = __builtin_add_overflow(sum.days, value.days, &sum.days);
  return __builtin_add_overflow(sum.microseconds, value.microseconds, &sum.microseconds) || months || days;
}

// An average of whole numbers is taken from a sum that cannot overflow.
bool wide(const PatternValue& value) {
  return value.function == AggregateFunction::kAvg && value.argument_type == kBigint;
}

void add_number(const PatternValue& value, Accumulated& to, const Cell& cell) {
  if (wide(value)) {
    if (to.count == 0) to.sum = Decimal{0};
    to.overflow |= add_to(std::get<Decimal>(to.sum), Decimal{std::get<std::int64_t>(cell)});
    return;
  }
  std::visit(
      [&](const auto& number) {
        using T = std::decay_t<decltype(number)>;
        if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, double> || std::is_same_v<T, Decimal> ||
                      std::is_same_v<T, Interval>) {
          if (to.count == 0) to.sum = T{};
          to.overflow |= add_to(std::get<T>(to.sum), number);
        }
      },
      cell);
}

const char* range_of(Type type) {
  if (type == kBigint) return expression::kBigintRange;
  return type == kInterval ? expression::kIntervalRange : expression::kDecimalRange;
}

const char* append_average(const PatternValue& value, const Accumulated& from, ColumnBuilder& out) {
  const auto count = static_cast<double>(from.count);
  if (value.argument_type == kBigint) {
    out.append(static_cast<double>(std::get<Decimal>(from.sum)) / count);
  } else if (value.argument_type == kDouble) {
    out.append(std::get<double>(from.sum) / count);
  } else if (value.argument_type == kInterval) {
    Interval average;
    const bool fits = expression::scale_interval(std::get<Interval>(from.sum), count, true, average);
    if (fits) out.append(average);
    return fits ? nullptr : expression::kIntervalRange;
  } else {
    Decimal average = 0;
    const bool fits = expression::divide(std::get<Decimal>(from.sum), value.argument_type.scale, from.count, 0,
                                         value.type.scale, false, average);
    if (fits) out.append(average);
    return fits ? nullptr : expression::kDecimalRange;
  }
  return nullptr;
}

const char* append_sum(const PatternValue& value, const Accumulated& from, ColumnBuilder& out) {
  if (from.overflow) return range_of(value.type);
  if (value.function == AggregateFunction::kAvg) return append_average(value, from, out);
  std::visit([&](const auto& sum) { out.append(sum); }, from.sum);
  return nullptr;
}

}  // namespace

MatchValues::MatchValues(const PatternExpressions& expressions, std::span<const std::string> variables,
                         std::vector<std::size_t> which)
    : expressions_(&expressions), variables_(variables), which_(std::move(which)) {}

MatchHistory MatchValues::begin() const { return MatchHistory(which_.size()); }

void MatchValues::add(MatchHistory& history, const MatchRows& rows, std::uint32_t row, std::size_t variable) const {
  for (std::size_t i = 0; i < which_.size(); ++i) {
    const PatternValue& value = expressions_->values[which_[i]];
    if (value.kind == Kind::kClassifier) {
      history[i].row = static_cast<std::uint32_t>(variable);
    } else if (value.variable == kAnyVariable || value.variable == variable) {
      add_one(value, history[i], rows, row);
    }
  }
}

void MatchValues::add_one(const PatternValue& value, Accumulated& to, const MatchRows& rows, std::uint32_t row) const {
  if (value.kind == Kind::kAggregate) return accumulate(value, to, rows, row);
  if (value.kind == Kind::kFirst) {
    // Once it is there, how many follow is of no matter.
    if (to.row == Accumulated::kNoRow && to.count++ == static_cast<std::int64_t>(value.offset)) to.row = row;
  } else if (value.offset == 0) {
    to.row = row;
  } else {
    if (to.recent.size() > value.offset) to.recent.erase(to.recent.begin());
    to.recent.push_back(row);
    if (to.recent.size() > value.offset) to.row = to.recent.front();
  }
}

void MatchValues::accumulate(const PatternValue& value, Accumulated& to, const MatchRows& rows, std::uint32_t row) {
  if (value.filter) {
    const Cell counts = rows.cell(row, *value.filter);
    const auto* flag = std::get_if<std::uint8_t>(&counts);
    if (flag == nullptr || *flag == 0) return;
  }
  const Cell cell = value.kept ? rows.cell(row, *value.kept) : Cell(std::int64_t{1});
  if (std::holds_alternative<std::monostate>(cell)) return;
  const bool first = to.count == 0;
  if (value.function == AggregateFunction::kMin) {
    if (first || less(cell, rows.cell(to.row, *value.kept))) to.row = row;
    to.count = 1;
    return;
  }
  if (value.function == AggregateFunction::kMax) {
    if (first || less(rows.cell(to.row, *value.kept), cell)) to.row = row;
    to.count = 1;
    return;
  }
  if (value.function != AggregateFunction::kCount) add_number(value, to, cell);
  ++to.count;
}

const char* MatchValues::append(const MatchHistory& history, const MatchRows& rows, std::size_t i,
                                ColumnBuilder& out) const {
  const PatternValue& value = expressions_->values[which_[i]];
  const Accumulated& from = history[i];
  const bool summed = value.kind == Kind::kAggregate &&
                      (value.function == AggregateFunction::kSum || value.function == AggregateFunction::kAvg);
  if (value.kind == Kind::kAggregate && value.function == AggregateFunction::kCount) {
    out.append(from.count);
  } else if (summed && from.count > 0) {
    const char* reason = append_sum(value, from, out);
    if (reason != nullptr) out.append_null();
    return reason;
  } else if (summed || from.row == Accumulated::kNoRow) {
    out.append_null();
  } else if (value.kind == Kind::kClassifier) {
    out.append_bytes(variables_[from.row]);
  } else {
    append_cell(rows.cell(static_cast<std::int64_t>(from.row) - static_cast<std::int64_t>(value.back), *value.kept),
                out);
  }
  return nullptr;
}

}  // namespace stream
