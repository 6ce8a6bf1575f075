// Whatever bytes stand in a segment, reading them gives a batch whose every value can be read, or
// an error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "snapshot/segment.h"
#include "transport/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stream;
  ByteBuilder aligned;
  aligned.append(data, size);
  const stream::Result<Batch> batch = read_segment({nullptr, aligned.data(), size});
  if (!batch.ok()) return 0;
  ByteBuilder again;
  append_segment(*batch, again);
  STREAM_CHECK(again.size() <= size);
  std::size_t total = 0;
  for (const Column& column : batch->columns) {
    STREAM_CHECK(column.size() == batch->rows);
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.valid(row) && column.type().variable()) total += column.bytes(row).size();
    }
  }
  STREAM_CHECK(total <= size * (batch->columns.size() + 1));
  return 0;
}
