// What handlers know of the jobs: asked of their supervisors, read from their stores, or made up by a test.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "supervisor/plan.h"
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
  // As `stream stats --json` prints it; of a job that does not run, without instances.
  virtual Result<SharedJson> stats(const std::string& job) = 0;
  // Groups of metrics: {"scope", "stage", "instance", "values"}; of a job that does not run there are none.
  virtual Result<SharedJson> metrics(const std::string& job) = 0;
  // "events", "checkpoints", "savepoints"; see supervisor/job_lists.h.
  virtual Result<SharedJson> list(const std::string& job, const std::string& what) = 0;
  virtual Result<SharedPlan> plan(const std::string& job) = 0;

  // Files of its log: name to path.
  virtual std::map<std::string, std::string> logs(const std::string& job) = 0;
};

}  // namespace stream::http
