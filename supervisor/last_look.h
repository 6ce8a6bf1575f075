// What the instances of a job have come to is not lost with them: their last numbers are kept beside its store, until
// the job runs again, in JOB/last.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "supervisor/job_paths.h"

namespace stream {

class JobRunner;

// Takes them down. Nothing depends on it, so it is not synced. Errors: kSystem.
Status save_last_look(const JobRunner& runner);
void forget_last_look(const JobPaths& job);

// {"instances", "checkpoint", "latency", "groups"}, as job_stats_json() and job_metrics_json() have them; empty if
// there are none.
nlohmann::json last_look(const JobPaths& job);

}  // namespace stream
