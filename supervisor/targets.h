// Whether what the sinks of a plan will write can be written: looked at before anything is started, because
// a job that cannot would fail and be started again until its restart policy gives up.
#pragma once

#include "supervisor/plan.h"
#include "supervisor/problems.h"

namespace stream {

// OK, or what the system would say, and what to do. Nothing is opened or made.
Status check_target(const AnsweredTarget& target);

// What is wrong goes to `problems`, at the place of the option.
void check_targets(const JobPlan& plan, Problems& problems);

}  // namespace stream
