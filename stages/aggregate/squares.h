// Sums of squares, exact: each of up to four columns sums 64 bits of every square and cannot overflow.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "transport/record/type.h"

namespace stream {

inline constexpr std::size_t kSquareParts = 4;  // of a DECIMAL; a BIGINT needs 2

// The lowest first.
std::array<std::uint64_t, kSquareParts> square(Decimal value);

// Sum of the squared distances from the mean: what variances divide. `parts`: sums of the parts of the squares.
double squared_distances(Decimal sum, std::span<const Decimal> parts, std::int64_t count);

}  // namespace stream
