#include "stages/kit/retry.h"

namespace stream {
namespace {

constexpr Microseconds kPause = 100'000;

}  // namespace

Status retry(Trouble& trouble, const Clock& clock, Patience patience, const std::function<Status()>& attempt,
             const std::function<Microseconds()>& pause) {
  for (;;) {
    Status status = attempt();
    if (status.ok()) {
      trouble.over();
      return status;
    }
    const Microseconds now = clock.monotonic_us();
    const Microseconds wait = pause();
    if (!patience.lasts(status, now, now + wait) || !trouble.wait(status.what(), wait)) return status;
  }
}

Status retry(Trouble& trouble, const Clock& clock, Patience patience, const std::function<Status()>& attempt) {
  return retry(trouble, clock, patience, attempt, [] { return kPause; });
}

}  // namespace stream
