// Rows by their event time: those without one are bad records, late ones go to an output of their own.
#pragma once

#include <span>
#include <vector>

#include "stages/kit/stage.h"

namespace stream {

// Positions of the rows with a time before `from`, and of those from it on. Errors: as Emitter::bad_record, which hears
// of the others.
Status split_by_time(const Batch& batch, std::size_t time, Microseconds from, std::vector<std::uint32_t>* rows,
                     std::vector<std::uint32_t>* late, Emitter& out);

// Leaves the rows that have a time.
Status drop_timeless(Batch& batch, std::size_t time, Emitter& out);

// Leaves the rows with a time from `from` on; earlier ones go as emit_late_rows() says.
Status drop_late(Batch& batch, std::size_t time, Microseconds from, const SchemaPtr& late, std::size_t output,
                 Emitter& out);

// Counts the rows at these positions as late, and emits them on `output` where something reads it: `late` is the
// schema of what is read, null if nothing is. Errors: as Emitter::emit.
Status emit_late_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& late,
                      std::size_t output, Emitter& out);

}  // namespace stream
