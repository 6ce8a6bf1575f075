#include "supervisor/coordinator.h"

#include <algorithm>
#include <utility>

namespace stream {
namespace {

constexpr Microseconds kRetryAfter = 100'000;  // an aborted checkpoint that was asked for

}  // namespace

using Kind = CoordinatorAction::Kind;

Coordinator::Coordinator(CoordinatorConfig config, Epoch next, Microseconds now)
    : config_(config), next_(next), due_(now + config.interval) {}

bool Coordinator::may_trigger(Microseconds now) const {
  return !current_ && !last_ && uncommitted_.size() < kUncommittedMax && now >= retry_at_;
}

void Coordinator::trigger(Microseconds now, Actions& actions) {
  const bool last = last_wanted();
  current_ = Current{next_, now, stopping_, false, {}};
  if (last) last_ = next_;
  next_ = next_.next();
  requested_ = false;
  due_ = now + config_.interval;
  actions.push_back({Kind::kTrigger, current_->epoch, stopping_});
}

void Coordinator::maybe_trigger(Microseconds now, Actions& actions) {
  const bool periodic = config_.periodic && now >= due_;
  // A drain's checkpoint waits for the sources to end; it is then the last one.
  const bool wanted = requested_ || periodic || (draining_ ? all_ended() : last_wanted());
  if (wanted && !paused_ && may_trigger(now)) trigger(now, actions);
}

Coordinator::Actions Coordinator::go_on(Microseconds now) {
  Actions actions;
  paused_ = false;
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::cut(Microseconds now) {
  Actions actions;
  if (may_trigger(now)) trigger(now, actions);
  return actions;
}

void Coordinator::abort(const std::string& reason, Microseconds now, Actions& actions) {
  const Current aborted = *std::exchange(current_, std::nullopt);
  if (last_ == aborted.epoch) last_.reset();
  retry_at_ = now + kRetryAfter;
  actions.push_back({Kind::kAborted, aborted.epoch, aborted.stopping, reason});
}

Coordinator::Actions Coordinator::request(Microseconds now) {
  Actions actions;
  requested_ = true;
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::stop(bool drain, Microseconds now) {
  Actions actions;
  if (stopping_ || draining_) return actions;
  if (drain) {
    draining_ = true;
    actions.push_back({Kind::kDrain});
  } else {
    stopping_ = true;
  }
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::run_on(Microseconds now) {
  stopping_ = false;
  return request(now);
}

Coordinator::Actions Coordinator::tick(Microseconds now) {
  Actions actions;
  if (current_ && !current_->publishing && now - current_->started >= config_.timeout) {
    abort("timed out", now, actions);
  }
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::snapshot(InstanceIndex instance, Epoch epoch, Microseconds /*now*/) {
  Actions actions;
  if (!current_ || current_->epoch != epoch || current_->publishing) return actions;  // of an aborted one
  current_->snapshots.insert(instance);
  if (current_->snapshots.size() == config_.instances) {
    current_->publishing = true;
    actions.push_back({Kind::kPublish, epoch, current_->stopping});
  }
  return actions;
}

// However a checkpoint fails before it is published, it is aborted and the job runs on.
Coordinator::Actions Coordinator::failed(Epoch epoch, const std::string& reason, Microseconds now) {
  Actions actions;
  if (current_ && current_->epoch == epoch) abort(reason, now, actions);
  return actions;
}

Coordinator::Actions Coordinator::trigger_failed(Epoch epoch, const std::string& reason, Microseconds now) {
  return failed(epoch, reason, now);
}

Coordinator::Actions Coordinator::snapshot_failed(InstanceIndex /*instance*/, Epoch epoch, const std::string& reason,
                                                  Microseconds now) {
  return failed(epoch, reason, now);
}

Coordinator::Actions Coordinator::published(Epoch epoch, Microseconds now) {
  Actions actions;
  if (!current_ || current_->epoch != epoch) return actions;
  last_complete_ = epoch;
  uncommitted_[epoch];
  due_ = std::max(due_, now + config_.min_pause);
  current_.reset();
  actions.push_back({Kind::kComplete, epoch});
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::publish_failed(Epoch epoch, const std::string& reason, Microseconds now) {
  return failed(epoch, reason, now);
}

Coordinator::Actions Coordinator::committed(InstanceIndex instance, Epoch epoch, Microseconds now) {
  Actions actions;
  // Completion is cumulative: who has committed n has committed everything before it.
  for (auto& [uncommitted, instances] : uncommitted_) {
    if (uncommitted <= epoch) instances.insert(instance);
  }
  while (!uncommitted_.empty() && uncommitted_.begin()->second.size() == config_.instances) {
    const Epoch done = uncommitted_.begin()->first;
    uncommitted_.erase(uncommitted_.begin());
    actions.push_back({Kind::kCommitted, done});
    if (last_ == done) actions.push_back({Kind::kFinished, done});
  }
  maybe_trigger(now, actions);
  return actions;
}

Coordinator::Actions Coordinator::ended(InstanceIndex instance, Microseconds now) {
  Actions actions;
  ended_.insert(instance);
  maybe_trigger(now, actions);
  return actions;
}

std::optional<Microseconds> Coordinator::next_tick() const {
  if (current_) {
    if (current_->publishing) return std::nullopt;
    return current_->started + config_.timeout;
  }
  if (last_ || uncommitted_.size() >= kUncommittedMax) return std::nullopt;
  if (paused_ || requested_ || (draining_ ? all_ended() : last_wanted())) return retry_at_;
  if (!config_.periodic) return std::nullopt;
  return std::max(due_, retry_at_);
}

std::optional<Epoch> Coordinator::current() const {
  if (!current_) return std::nullopt;
  return current_->epoch;
}

std::set<InstanceIndex> Coordinator::missing() const {
  std::set<InstanceIndex> out;
  for (std::uint32_t i = 0; current_ && i < config_.instances; ++i) {
    if (!current_->snapshots.contains(InstanceIndex(i))) out.insert(InstanceIndex(i));
  }
  return out;
}

}  // namespace stream
