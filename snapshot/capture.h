// Capture: what changed in one instance's state, taken at a barrier on the loop thread and handed
// to the writer thread. A value: it shares nothing that changes with the live tables.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "snapshot/changes.h"
#include "snapshot/outbox.h"
#include "snapshot/row_layout.h"
#include "snapshot/row_pack.h"
#include "snapshot/table_spec.h"
#include "transport/base/ids.h"
#include "transport/record/batch.h"

namespace stream {

// Rows of an append-only table, where they lie: their memory is theirs as long as the holder of their pin is there.
struct RowReferences {
  std::vector<SealedRows> parts;
  std::size_t time_column = SIZE_MAX;  // of TableCapture::before; SIZE_MAX = none
  std::shared_ptr<const void> holder;

  std::size_t bound() const;  // at least as many rows as there are
};

struct TableCapture {
  std::shared_ptr<const TableSpec> spec;
  std::shared_ptr<const RowLayout> layout;  // null for an outbox
  // They apply to the state at Capture::since in this order.
  std::optional<std::int64_t> before;                      // drop rows with ordered < before
  bool cleared = false;                                    // drop every row
  std::vector<std::shared_ptr<const RowPack>> tombstones;  // keys to drop
  RowPack rows;                                            // rows to insert or replace
  RowReferences references;                                // of an append-only table, instead of rows
  std::vector<OutboxBatch> batches;                        // of an outbox, instead of rows

  bool empty() const {
    return !before && !cleared && tombstones.empty() && rows.empty() && references.parts.empty() && batches.empty();
  }
};

struct Capture {
  Epoch epoch;
  Epoch since;  // the newest epoch known complete when it was taken; Epoch(0): from nothing
  std::vector<TableCapture> tables;

  bool empty() const;
  std::size_t rows() const;
  std::size_t size_bytes() const;
};

}  // namespace stream
