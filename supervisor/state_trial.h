// What a fit of plans cannot know: whether every row that is kept can be converted.
#pragma once

#include <string>

#include "snapshot/checkpoint.h"
#include "supervisor/state_fit.h"

namespace stream {

// Converts, for nothing but to see, what may fail to be; the rest is not read. `folder`: what the index's paths start
// from. Errors: kUsage, naming stage, table, column and why; kCorrupt.
Status try_conversions(const CheckpointIndex& index, const std::string& folder, const JobPlan& plan,
                       const StateFit& fit);

}  // namespace stream
