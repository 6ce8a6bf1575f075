// Row kinds of a part of a batch.
#pragma once

#include <span>

#include "transport/record/batch.h"

namespace stream {

// Kinds of the rows at these positions, ascending, when the others are dropped: an update of which
// one side stays is an insertion or a deletion. Empty where the batch has no kinds.
Buffer kinds_of_kept(const Batch& batch, std::span<const std::uint32_t> rows);

}  // namespace stream
