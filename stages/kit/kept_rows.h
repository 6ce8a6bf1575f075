// Rows that go on as they are, and others that do not.
#pragma once

#include <span>

#include "stages/kit/stage.h"

namespace stream {

// Emits the rows at these positions, ascending, with the columns of `schema`, which is null if nothing reads them.
// Errors: as Emitter::emit.
Status emit_kept_rows(const Batch& batch, std::span<const std::uint32_t> rows, const SchemaPtr& schema, Emitter& out,
                      std::size_t output = 0);

}  // namespace stream
