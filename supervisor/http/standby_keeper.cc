#include "supervisor/http/standby_keeper.h"

#include <algorithm>

namespace stream::http {
namespace {

constexpr Microseconds kWaitMin = 1'000'000;
constexpr Microseconds kWaitMax = 30'000'000;
constexpr Microseconds kRest = 2'000'000;            // between two looks at what is over
constexpr Microseconds kRemembered = 3'600'000'000;  // what is over stays on the list

}  // namespace

void StandbyKeeper::look(Microseconds now) {
  const auto jobs = ways_.jobs();
  note("", jobs.status(), now);
  if (!jobs.ok()) return;
  std::erase_if(later_, [&](const auto& one) {
    return !one.first.empty() && std::ranges::find(*jobs, one.first) == jobs->end();
  });
  for (const std::string& job : *jobs) {
    if (const auto later = later_.find(job); later != later_.end() && now < later->second.again_at) continue;
    const Result<bool> over = see_to(job);
    note(job, over.status(), now);
    if (over.ok() && *over) later_[job].again_at = now + kRest;
  }
}

// What has just ended stays on the list: another server may be about to begin it again, which nobody's look at how it
// was may undo.
Result<bool> StandbyKeeper::see_to(const std::string& job) {
  if (ways_.supervised_here(job)) return false;
  STREAM_ASSIGN(const Known known, ways_.known(job));
  if (known.ended_for) {
    if (*known.ended_for > kRemembered) STREAM_TRY(ways_.strike(job));
    return true;
  }
  // It is about to begin where it was sent to.
  if (!known.led || known.manifest.empty()) return false;
  STREAM_TRY(ways_.stand_by(job, known.manifest));
  return false;
}

void StandbyKeeper::note(const std::string& job, const Status& status, Microseconds now) {
  if (status.ok()) {
    later_.erase(job);
    return;
  }
  Later& later = later_[job];
  later.wait = std::clamp(2 * later.wait, kWaitMin, kWaitMax);
  later.again_at = now + later.wait;
  if (later.trouble == status.what()) return;
  later.trouble = status.what();
  ways_.warn((job.empty() ? "" : "does not stand by for job '" + job + "': ") + later.trouble);
}

}  // namespace stream::http
