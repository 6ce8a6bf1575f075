// Segment: up to 64 Ki rows in columns, as bytes. All integers little endian.
//
//   u32 "SEG1"   u32 rows   u32 columns   u32 0
//   per column: u8 type kind   u8 precision   u8 scale   u8 1 if there is a validity bitmap   u32 0
//               u64 bytes of values
//   per column: [validity bitmap]  [offsets, variable width: rows + 1 int32]  values
//
// Every part of the last line starts at a multiple of 16 and is padded with zeros. Layouts are
// those of transport/record/column.h.
#pragma once

#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

void append_segment(const Batch& batch, ByteBuilder& out);

// Columns point into `bytes`, which must be 16-aligned, and keep their owner alive; the schema is null.
// Nothing in the bytes is believed before it is checked. Errors: kCorrupt.
Result<Batch> read_segment(const Buffer& bytes);

}  // namespace stream
