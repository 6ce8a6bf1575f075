// Where `stream top` gets to know of jobs: on this machine, or from a server.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/top/top_state.h"
#include "supervisor/job_log.h"
#include "transport/base/status.h"

namespace stream {

class TopSource {
 public:
  virtual ~TopSource() = default;

  // Of all jobs. Errors: kSystem, where they cannot be asked.
  virtual Result<std::vector<JobLoad>> loads() = 0;
  // "checkpoints" or "events" of a job, as `stream` prints them; none if it cannot be asked.
  virtual std::vector<nlohmann::json> list(const std::string& job, const std::string& what) = 0;
  // The end of its log, oldest first.
  virtual std::vector<LogLine> log(const std::string& job) = 0;
};

// The jobs of this machine.
std::unique_ptr<TopSource> jobs_here();
// Those of the server that STREAM_SERVER names: asked by this program's own verbs, which know how.
std::unique_ptr<TopSource> jobs_of_server();

}  // namespace stream
