// What a manifest says of the whole job: SET statements.
#pragma once

#include <vector>

#include "supervisor/flink/script.h"
#include "supervisor/pipeline.h"
#include "supervisor/problems.h"

namespace stream::flink {

// Refuses what has no counterpart.
std::vector<Statement> settings_of(const PipelineSpec& pipeline, Problems& problems);

}  // namespace stream::flink
