// Savepoints that a job makes by itself, and which of its savepoints go again. Pure decisions.
#pragma once

#include <string>
#include <vector>

#include "supervisor/job_store.h"

namespace stream {

// When the next savepoint is due: on the grid that the last one was due on, so that one made late moves none.
Microseconds next_due(const SavepointSchedule& schedule, Microseconds now);
// When one that failed is tried again.
Microseconds next_try(const SavepointSchedule& schedule, Microseconds now);

// Paths of what the rules let go. They concern the savepoints in the job's own folder that nobody has given a label or
// a note; of these the newest stays, and so does `needed`, which the job would begin with again.
std::vector<std::string> expired_savepoints(const std::vector<SavepointRecord>& savepoints,
                                            const SavepointSchedule& rules, const std::string& folder,
                                            const std::string& needed, Microseconds now);

}  // namespace stream
