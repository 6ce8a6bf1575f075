// Late rows on their way to an output of their own.
#pragma once

#include <span>

#include "stages/kit/stage.h"

namespace stream {

// Counts the rows at these positions as late, and emits them on `output` where something reads it: `late` is the
// schema of what is read, null if nothing is. Errors: as Emitter::emit.
Status emit_late_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& late,
                      std::size_t output, Emitter& out);

}  // namespace stream
