// What handlers know of the jobs: asked of their supervisors, read from their stores, or made up by a test.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "supervisor/history_store.h"
#include "supervisor/plan.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::http {

using Json = nlohmann::json;
using SharedJson = std::shared_ptr<const Json>;
using SharedPlan = std::shared_ptr<const JobPlan>;

class Jobs {
 public:
  virtual ~Jobs() = default;

  virtual std::vector<std::string> names() = 0;
  // As `stream show --json` prints it.
  virtual Result<SharedJson> summary(const std::string& job) = 0;
  // As `stream stats --json` prints it.
  virtual Result<SharedJson> stats(const std::string& job) = 0;
  // Groups of metrics: {"scope", "stage", "instance", "values"}; of a job that does not run, those at its end.
  virtual Result<SharedJson> metrics(const std::string& job) = 0;
  // "events", "checkpoints", "attempts", …; see supervisor/job_lists.h.
  virtual Result<SharedJson> list(const std::string& job, const std::string& what) = 0;
  // Those that are not removed yet: the paths of their indexes.
  virtual std::map<std::int64_t, std::string> kept_checkpoints(const std::string& job) = 0;
  virtual Result<SharedPlan> plan(const std::string& job) = 0;
  // What has happened behind a time (wall clock): {"summary", "events", "checkpoints"}, the lists oldest first, and
  // with `stats` those of stats().
  virtual Result<Json> news(const std::string& job, Microseconds since, bool stats) = 0;
  // Of a job that does not run, something that is another when it has run again or was changed; "" = it runs.
  virtual std::string stored_mark(const std::string& job) = 0;
  // Something has been done to the job, "" = to some: whoever asks from now on is told what came of it.
  virtual void forget(const std::string& job) = 0;
  virtual std::string log_folder(const std::string& job) = 0;

  // The history of its metrics, also when it has ended. Empty where nothing has been kept.
  virtual Result<std::vector<HistoryColumn>> history_columns(const std::string& job) = 0;
  virtual Result<std::vector<HistorySeries>> history(const std::string& job, const HistoryWish& wish) = 0;

  // Files of its log: name to path.
  virtual std::map<std::string, std::string> logs(const std::string& job) = 0;
};

}  // namespace stream::http
