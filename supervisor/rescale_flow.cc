#include "supervisor/rescale_flow.h"

#include <array>
#include <utility>

namespace stream {

using Kind = RescaleAction::Kind;
using Phase = RescalePhase;

std::string_view to_string(RescalePhase phase) {
  constexpr std::array<std::string_view, 7> kNames = {"waiting",  "holding",  "cutting", "rewiring",
                                                      "retiring", "starting", "over"};
  return kNames[static_cast<std::size_t>(phase)];
}

RescaleFlow::Actions RescaleFlow::to(RescalePhase phase, RescaleAction::Kind kind, std::string reason) {
  phase_ = phase;
  return {{kind, std::move(reason)}};
}

RescaleFlow::Actions RescaleFlow::quiet(Epoch next, Microseconds now) {
  if (phase_ != Phase::kWaiting) return {};
  epoch_ = next;
  until_ = now + kPatience;
  if (whole_ || held_.empty()) return to(Phase::kCutting, Kind::kCut);
  return to(Phase::kHolding, Kind::kHold);
}

RescaleFlow::Actions RescaleFlow::holding(InstanceIndex instance, Epoch epoch) {
  if (phase_ != Phase::kHolding || epoch != epoch_) return {};
  held_.erase(instance);
  return held_.empty() ? to(Phase::kCutting, Kind::kCut) : Actions();
}

RescaleFlow::Actions RescaleFlow::aborted(Epoch epoch, const std::string& reason) {
  if (phase_ != Phase::kCutting || epoch != epoch_) return {};
  return to(Phase::kOver, Kind::kRelease, reason);
}

RescaleFlow::Actions RescaleFlow::committed(Epoch epoch, Microseconds now) {
  if (phase_ != Phase::kCutting || epoch != epoch_) return {};
  until_ = now + kPatience;
  return whole_ ? to(Phase::kStarting, Kind::kRestart) : to(Phase::kRewiring, Kind::kRewire);
}

RescaleFlow::Actions RescaleFlow::detached(Microseconds now) {
  if (phase_ != Phase::kRewiring) return {};
  until_ = now + kPatience;
  return to(Phase::kRetiring, Kind::kRetire);
}

RescaleFlow::Actions RescaleFlow::retired() {
  return phase_ == Phase::kRetiring ? to(Phase::kStarting, Kind::kStart) : Actions();
}

RescaleFlow::Actions RescaleFlow::ready() {
  return phase_ == Phase::kStarting ? to(Phase::kOver, Kind::kFinish) : Actions();
}

// Who does not answer whether it will stop is not waited for: whatever it does, all start anew at the checkpoint.
RescaleFlow::Actions RescaleFlow::tick(Microseconds now) {
  if (now < until_) return {};
  if (phase_ == Phase::kHolding) {
    whole_ = true;
    return to(Phase::kCutting, Kind::kCut);
  }
  if (phase_ == Phase::kRewiring || phase_ == Phase::kRetiring)
    return to(Phase::kOver, Kind::kFail, "an instance did not answer while others were replaced");
  return {};
}

}  // namespace stream
