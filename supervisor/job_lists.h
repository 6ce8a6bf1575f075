// What a job store lists, as JSON: the same whether a running supervisor is asked or a verb reads the store.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "supervisor/job_store.h"
#include "supervisor/plan.h"

namespace stream {

// `what` is "events" (oldest first), "checkpoints" (of this run, newest first), "checkpoint-history" (of all runs; a
// running supervisor puts the one that it is taking before them), "checkpoint-counts" (one object), "attempts" (of all
// runs, newest first), "savepoints" (oldest first) or "savepoint-schedule" (one object, or none).
bool is_job_list(std::string_view what);
Result<nlohmann::json> job_list(JobStore& store, std::string_view what);

// {"events", "checkpoints"} that are newer than this (wall clock); oldest first. Checkpoints in progress are not there.
Result<nlohmann::json> job_news(JobStore& store, Microseconds since);

nlohmann::json to_json(const CheckpointRecord& record);

// [{"stage": "totals", "parallelism": 3}]
nlohmann::json stages_to_json(const JobPlan& plan);

}  // namespace stream
