// Destination: what the changes of snapshot files are applied to.
#pragma once

#include <cstdint>

#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

class Destination {
 public:
  virtual ~Destination() = default;
  virtual Status clear() = 0;
  virtual Status drop_before(std::size_t column, std::int64_t before) = 0;
  virtual Status drop(const Batch& keys) = 0;
  virtual Status load(const Batch& rows) = 0;
};

}  // namespace stream
