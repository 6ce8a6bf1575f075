// Whether two values are one, as keys tell them apart.
#pragma once

#include <cstddef>

#include "transport/record/column.h"

namespace stream {

// Both columns are of one type. NULL is the same as NULL, NaN as NaN, -0 as 0, by the encoding of record/key.h.
bool same_value(const Column& a, std::size_t a_row, const Column& b, std::size_t b_row);

}  // namespace stream
