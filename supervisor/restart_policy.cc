#include "supervisor/restart_policy.h"

#include <algorithm>
#include <cmath>

#include "transport/base/text.h"

namespace stream {
namespace {

RestartDecision bounded(const RestartSpec& spec, const RestartHistory& history, Microseconds delay) {
  if (history.failures_in_row < spec.attempts) return RestartAfter{delay};
  return GiveUp{std::to_string(history.failures_in_row) + " failures without a completed checkpoint between them"};
}

// Delays are for what fails again and again: a job that has worked so far starts again at once.
Microseconds exponential(const RestartSpec& spec, std::uint32_t failures, double chance) {
  if (failures < 2) return 0;
  const double growth = std::pow(spec.multiplier, static_cast<double>(failures - 2));
  const double delay = std::min(static_cast<double>(spec.initial) * growth, static_cast<double>(spec.max));
  return static_cast<Microseconds>(delay * (1 + spec.jitter * (2 * chance - 1)));
}

RestartDecision by_rate(const RestartSpec& spec, RestartHistory& history, Microseconds now) {
  std::erase_if(history.failed_at, [&](Microseconds at) { return at <= now - spec.within; });
  if (history.failed_at.size() <= spec.failures) return RestartAfter{spec.delay};
  return GiveUp{std::to_string(history.failed_at.size()) + " failures within " + format_duration(spec.within)};
}

}  // namespace

RestartDecision on_failure(const RestartSpec& spec, RestartHistory& history, Microseconds now_wall, double chance) {
  ++history.failures_in_row;
  history.failed_at.push_back(now_wall);
  constexpr std::size_t kRemembered = 1000;
  if (history.failed_at.size() > kRemembered) history.failed_at.erase(history.failed_at.begin());
  switch (spec.strategy) {
    case RestartStrategy::kNone: return GiveUp{"the restart strategy is none"};
    case RestartStrategy::kFixedDelay: return bounded(spec, history, spec.delay);
    case RestartStrategy::kFailureRate: return by_rate(spec, history, now_wall);
    case RestartStrategy::kExponentialDelay:
      return bounded(spec, history, exponential(spec, history.failures_in_row, chance));
  }
  return GiveUp{"unknown restart strategy"};
}

void on_progress(RestartHistory& history) { history.failures_in_row = 0; }

}  // namespace stream
