// Checkpoints as /jobs/{jobid}/checkpoints lists them.
#pragma once

#include "supervisor/http/jobs.h"

namespace stream::http {

// One for each of `checkpoints`, which are as Jobs has them.
Result<Json> in_history(Jobs& jobs, const std::string& job, const Json& checkpoints);

}  // namespace stream::http
