#include "cli/service_talk.h"

#include <cstdint>

#include "supervisor/job_view.h"

namespace stream {

void ServiceTalk::turn(const JobRunner& job) {
  const Phase phase = job.phase();
  const bool ends = phase == Phase::kStopping || phase == Phase::kOver;
  if (ends) notifier_.stopping();
  notifier_.turn(system_clock().monotonic_us(), status_line(job, SIZE_MAX), ends || phase == Phase::kStarting);
}

// Ready for what it is there for.
void ServiceTalk::wait(const std::string& status) {
  notifier_.ready();
  notifier_.turn(system_clock().monotonic_us(), status, false);
}

}  // namespace stream
