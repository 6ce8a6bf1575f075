// AttemptRun: instances are replaced while others go on.
#include <algorithm>
#include <csignal>

#include "supervisor/attempt.h"

namespace stream {
namespace {

constexpr Microseconds kRetirePatience = 5'000'000;

}  // namespace

Status AttemptRun::rewire(const JobPlan& next, const RescalePlan& steps, std::vector<Channel> channels,
                          std::vector<Assignment> assignments) {
  std::vector<InstanceState> before = std::exchange(instances_, {});
  for (const InstanceName& name : instances_of(next)) {
    InstanceState state;
    if (steps.restarts.contains(name.stage)) {
      state.name = name;
      state.label = to_string(next, name);
      state.attempt = Attempt(assignments[instances_.size()].attempt);
      state.host = assignments[instances_.size()].host;
      state.waits = true;
    } else {
      const auto at = std::ranges::find(before, to_string(next, name), &InstanceState::label);
      state = std::move(*at);
      before.erase(at);
    }
    if (steps.rewires.contains(name.stage)) state.bound = state.connected = state.ready = false;
    instances_.push_back(std::move(state));
  }
  retiring_ = std::move(before);
  setup_.channels = std::move(channels);
  setup_.assignments = std::move(assignments);
  follow_event_time();
  ready_reported_ = false;
  rewiring_ = Rewiring::kDetaching;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    InstanceState& state = instances_[i];
    if (state.waits) STREAM_TRY(start_process(state));
    if (!steps.rewires.contains(state.name.stage)) continue;
    const Assignment& assignment = setup_.assignments[i];
    STREAM_TRY(control_.send(identity(state), to_json(stream::Rewiring{assignment.inputs, assignment.outputs})));
  }
  return {};
}

Status AttemptRun::retire() {
  for (const InstanceState& state : retiring_) {
    STREAM_TRY(control_.send(identity(state), to_json(Note{"exit", 0, "", {}})));
  }
  rewiring_ = Rewiring::kRetiring;
  retire_until_ = system_clock().monotonic_us() + kRetirePatience;
  return {};
}

Status AttemptRun::begin_new() {
  rewiring_ = Rewiring::kReplacing;
  for (InstanceState& state : instances_) {
    if (!std::exchange(state.waits, false)) continue;
    state.stats_at = system_clock().monotonic_us();
    state.started_us = system_clock().wall_us();
    if (state.greeted) STREAM_TRY(assign(state));
  }
  return {};
}

Status AttemptRun::start_sources(const std::set<std::size_t>& stages) {
  rewiring_ = Rewiring::kNone;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (!stages.contains(instances_[i].name.stage)) continue;
    STREAM_TRY(send(InstanceIndex(i), {"start", 0, "", {}}));
  }
  return {};
}

void AttemptRun::follow_rewiring(Events& events) {
  if (rewiring_ == Rewiring::kDetaching) {
    const auto done = [](const InstanceState& state) { return state.waits || state.bound; };
    if (!std::ranges::all_of(instances_, done)) return;
    rewiring_ = Rewiring::kDetached;
    events.emplace_back(Detached{});
  } else if (rewiring_ == Rewiring::kRetiring) {
    const bool late = system_clock().monotonic_us() >= retire_until_;
    for (const InstanceState& state : retiring_) {
      if (late) state.child->signal(SIGKILL);
    }
    std::erase_if(retiring_, [](InstanceState& state) { return state.child->reap().has_value(); });
    if (!retiring_.empty()) return;
    rewiring_ = Rewiring::kReplacing;
    events.emplace_back(Retired{});
  }
}

}  // namespace stream
