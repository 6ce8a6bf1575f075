// Whether a run that begins with a savepoint of another job would write where that job does, and how it writes beside.
#pragma once

#include <string>

#include "supervisor/plan.h"

namespace stream {

// Errors: kFailed, naming the sink, its output and the job, if the job that the savepoint is of is there and has not
// finished or been cancelled: it may go on, and neither would be told.
Status check_not_of(const std::string& origin, const JobPlan& plan);

// Gives every sink of `pipeline` other files: NAME becomes NAME.`word`, before its suffix. `planned` says which those
// are. Errors: kUsage for a sink that writes no files.
Status write_beside(const JobPlan& planned, const std::string& word, PipelineSpec& pipeline);

}  // namespace stream
