// The server of `run --http`: a process of its own, which looks at the job from outside like any other and cannot take
// it down. It ends with the supervisor.
#pragma once

#include <optional>
#include <string>

#include "supervisor/stage_process.h"

namespace stream {

// Whether `run` may serve there. Errors: kUsage.
Status check_job_server(const std::string& address);

// Whether --advertise may say so: "https://host-a:8081", behind which the paths of requests are put. Errors: kUsage.
Status check_advertised(const std::string& url, bool several_supervisors);

struct JobServer {
  std::optional<StageProcess> process;
  std::string url;
};

// Starts it for a job that is about to begin, says on standard error where it is, and returns it when it answers; none
// where `address` is empty. Call from the main thread only. Errors: kFailed with what it says.
Result<JobServer> start_job_server(const std::string& job, const std::string& address);

}  // namespace stream
