#include "snapshot/capture.h"

#include <algorithm>

namespace stream {

bool Capture::empty() const {
  return std::ranges::all_of(tables, [](const TableCapture& table) { return table.empty(); });
}

std::size_t Capture::rows() const {
  std::size_t rows = 0;
  for (const TableCapture& table : tables) {
    rows += table.rows.rows();
    for (const OutboxBatch& batch : table.batches) rows += batch.batch.rows;
  }
  return rows;
}

std::size_t Capture::size_bytes() const {
  std::size_t bytes = 0;
  for (const TableCapture& table : tables) {
    bytes += table.rows.size_bytes();
    for (const auto& pack : table.tombstones) bytes += pack->size_bytes();
    for (const OutboxBatch& batch : table.batches) bytes += batch.batch.size_bytes();
  }
  return bytes;
}

}  // namespace stream
