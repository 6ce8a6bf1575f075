// Two arguments as plain arrays or constants, so that the compiler can vectorise the loop over them.
#pragma once

#include "stages/expression/kernel.h"

namespace stream::expression {

template <class T>
struct Varying {
  const T* values;
  T operator[](std::size_t i) const { return values[i]; }
};

template <class T>
struct Fixed {
  T value;
  T operator[](std::size_t) const { return value; }
};

// Calls f(a, b) with the cheapest access to both. Fixed width of at most 8 bytes only.
template <class T, class F>
auto with_pair(std::span<const Value> arguments, F f) {
  const T* a = arguments[0].column.values<T>();
  const T* b = arguments[1].column.values<T>();
  if (arguments[0].constant && arguments[1].constant) return f(Fixed<T>{*a}, Fixed<T>{*b});
  if (arguments[0].constant) return f(Fixed<T>{*a}, Varying<T>{b});
  if (arguments[1].constant) return f(Varying<T>{a}, Fixed<T>{*b});
  return f(Varying<T>{a}, Varying<T>{b});
}

}  // namespace stream::expression
