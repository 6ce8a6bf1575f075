// fitting_rows: how many rows may go into one batch when values stand in many rows: texts of a batch are 2 GiB at most.
#pragma once

#include <algorithm>
#include <cstddef>

#include "transport/record/batch.h"

namespace stream {

inline constexpr std::size_t kFittingBytesMax = 16 << 20;

// Of `rows` rows those from the first on that fit, at least one. `bytes_of(i)`: of the texts in the row.
template <class BytesOf>
std::size_t fitting_rows(std::size_t rows, BytesOf&& bytes_of) {
  std::size_t bytes = 0;
  for (std::size_t count = 0; count < std::min(rows, kBatchRowsMax); ++count) {
    bytes += bytes_of(count);
    if (count > 0 && bytes > kFittingBytesMax) return count;
  }
  return std::min(rows, kBatchRowsMax);
}

}  // namespace stream
