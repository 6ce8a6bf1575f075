// A pipeline compiled to Flink's SQL. Pure: what is not in the plan is not looked at.
#pragma once

#include <vector>

#include "supervisor/flink/script.h"
#include "supervisor/plan.h"

namespace stream::flink {

// The pipeline with the schemas of all outputs whole, as nothing is pruned there.
JobPlan schemas_of(PipelineSpec pipeline, Catalogue& catalogue, StageAsker& asker, Problems& problems);

// Everything without a counterpart goes to `problems`; then what is returned is of no use. The last statement is the
// one that starts the job.
std::vector<Statement> compile(const JobPlan& plan, Problems& problems);

}  // namespace stream::flink
