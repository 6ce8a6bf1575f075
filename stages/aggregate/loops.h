// The inner loops of the accumulators. Internal to this folder.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "snapshot/state_table.h"
#include "stages/expression/decimal.h"
#include "stages/expression/temporal.h"

namespace stream::aggregate {

// body(i) for every row, or for those the mask has.
template <class Body>
inline void each(std::size_t rows, const std::uint8_t* mask, Body&& body) {
  if (mask == nullptr) {
    for (std::size_t i = 0; i < rows; ++i) body(i);
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    if (mask[i] != 0) body(i);
  }
}

// One column of many rows, at its fixed offset.
template <class T>
class Slots {
 public:
  Slots(const StateTable& table, std::span<const Row> rows, std::size_t column)
      : rows_(rows.data()), offset_(table.layout().offset(column)) {}
  T* operator[](std::size_t i) const { return reinterpret_cast<T*>(rows_[i].at + offset_); }

 private:
  const Row* rows_;
  std::size_t offset_;
};

// Adds or takes away, wrapping around. True if the true result does not fit.
inline bool add_wrapping(std::int64_t* to, std::int64_t value, bool minus) {
  return minus ? __builtin_sub_overflow(*to, value, to) : __builtin_add_overflow(*to, value, to);
}

inline bool add_wrapping(Decimal* to, Decimal value, bool minus) {
  const bool wrapped = minus ? __builtin_sub_overflow(*to, value, to) : __builtin_add_overflow(*to, value, to);
  return wrapped || !expression::fits_decimal(*to);
}

inline bool add_wrapping(Interval* to, Interval value, bool minus) {
  const auto one = [minus](auto* a, auto b) {
    return minus ? __builtin_sub_overflow(*a, b, a) : __builtin_add_overflow(*a, b, a);
  };
  const bool months = one(&to->months, value.months);
  const bool days = one(&to->days, value.days);
  return one(&to->microseconds, value.microseconds) || months || days;
}

template <class T>
inline bool less(T a, T b) {
  return a < b;
}
// NaN is above every number, as in PostgreSQL.
inline bool less(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }
inline bool less(Interval a, Interval b) { return expression::interval_span(a) < expression::interval_span(b); }

// Whether `a` is to be kept rather than `b`.
template <bool kMax, class T>
inline bool better(T a, T b) {
  return kMax ? less(b, a) : less(a, b);
}

}  // namespace stream::aggregate
