// What a run of changes comes to: of each key the last row, and whether it is gone. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transport/record/batch.h"

namespace stream {

struct LastRow {
  std::size_t batch = 0;
  std::size_t row = 0;
  bool gone = false;
};

// In the order in which the keys first came.
std::vector<LastRow> last_rows(std::span<const Batch> batches, std::span<const std::size_t> key);

}  // namespace stream
