// Asking a job: by its supervisor's socket while it runs, from its store when it does not.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/job_lock.h"
#include "supervisor/job_paths.h"
#include "supervisor/job_store.h"
#include "supervisor/plan.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr Microseconds kQuickAnswer = 5'000'000;
inline constexpr Microseconds kNoLimit = -1;

// The job of this name or unique id prefix; with "" the only one that runs, or the only one there
// is. Errors: kUsage, naming the nearest.
Result<JobPaths> find_job(const std::string& name_or_id);

// Sends a request to the supervisor of a running job and waits for the answer. Errors: kPeerGone if
// it does not run, kFailed with what the supervisor says, kInterrupted when the time is over.
// `on_step` hears what the supervisor says before its answer.
using OnStep = std::function<void(const nlohmann::json&)>;
Result<nlohmann::json> ask_job(const JobPaths& job, const nlohmann::json& request, Microseconds timeout,
                               const OnStep& on_step = nullptr);

// Waits, 5 s at most, until the supervisor that is ending has let go of the job: then its store can be
// read and it can be started again.
Status wait_until_over(const JobPaths& job);

// What ps, show and stats print for a job that does not run, in the form of a running one.
Result<nlohmann::json> stored_summary(const JobPaths& job);

// Runs `read` on the store of a job that does not run. Errors: kFailed if it does.
Result<std::unique_ptr<JobStore>> open_store(const JobPaths& job, std::optional<JobLock>* lock);

// "events", "checkpoints" or "savepoints" of a job, running or not; see supervisor/job_lists.h.
Result<nlohmann::json> list_of_job(const JobPaths& job, const std::string& what);

// The plan of a job, running or not, as JSON text in JSON.
Result<nlohmann::json> plan_text_of_job(const JobPaths& job);
// The same, taken apart. Errors: kCorrupt if it has none.
Result<JobPlan> plan_of_job(const JobPaths& job);

// Names of the stages of a job, running or not, in the order of its manifest.
Result<std::vector<std::string>> stages_of_job(const JobPaths& job);

// What `stream stats` and reporters show of a job: of one that does not run, what there was at its end.
Result<nlohmann::json> stats_of_job(const JobPaths& job);
Result<nlohmann::json> metrics_of_job(const JobPaths& job);  // a list of groups

// Summary of a job, running or not.
Result<nlohmann::json> job_summary(const JobPaths& job);

// Ends a job, or marks one that does not run as cancelled; of one without a name nothing is left. Returns when it is
// over. Errors: kFailed if it has never run, or has ended otherwise.
Status cancel_job(const JobPaths& job);

}  // namespace stream
