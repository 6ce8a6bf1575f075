#include "snapshot/capture.h"

#include <algorithm>

namespace stream {

std::size_t RowReferences::bound() const {
  std::size_t rows = 0;
  for (const SealedRows& part : parts) rows += part.rows->size();
  return rows;
}

bool Capture::empty() const {
  return std::ranges::all_of(tables, [](const TableCapture& table) { return table.empty(); });
}

std::size_t Capture::rows() const {
  std::size_t rows = 0;
  for (const TableCapture& table : tables) {
    rows += table.rows.rows() + table.references.bound();
    for (const OutboxBatch& batch : table.batches) rows += batch.batch.rows;
  }
  return rows;
}

std::size_t Capture::size_bytes() const {
  std::size_t bytes = 0;
  for (const TableCapture& table : tables) {
    bytes += table.rows.size_bytes();
    if (table.layout) bytes += table.references.bound() * table.layout->value_bytes();
    for (const auto& pack : table.tombstones) bytes += pack->size_bytes();
    for (const OutboxBatch& batch : table.batches) bytes += batch.batch.size_bytes();
  }
  return bytes;
}

}  // namespace stream
