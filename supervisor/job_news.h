// What has happened to a job lately: asked of its supervisor while it runs, else read from its store.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "supervisor/job_paths.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// {"summary", "events", "checkpoints"}: what has happened behind a time (wall clock), and with `stats` what
// `stream stats` prints, if the job runs.
Result<nlohmann::json> news_of_job(const JobPaths& job, Microseconds since, bool stats);

}  // namespace stream
