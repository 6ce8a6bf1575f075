// RunLoop: event time, made here or by others, and what is kept until later.
#include "stages/kit/run_loop.h"

namespace stream {

void RunLoop::restore_splits(const std::map<std::uint64_t, Microseconds>& highest, bool as_before) {
  const Microseconds now = clock_.monotonic_us();
  if (own_time_) return own_time_->restore(resumable_watermark_, highest, as_before, now);
  for (const auto& [split, time] : highest) generator_.restore_split(split, time, now);
}

std::optional<std::map<std::uint64_t, Microseconds>> RunLoop::highest_by_split() const {
  if (own_time_) return own_time_->highest();
  if (!stage_.source || stage_.source->split().sequential) return std::nullopt;
  return generator_.highest_by_split();
}

Microseconds RunLoop::watermark() const {
  if (own_time_) return own_time_->watermark();
  return stage_.source ? generator_.watermark() : merger_.merged();
}

bool RunLoop::watermark_idle() const {
  if (own_time_) return own_time_->idle();
  return stage_.source ? generator_.idle() : merger_.idle();
}

bool RunLoop::ahead() const {
  if (!config_.aligned || ended_ || generator_.watermark() == kNoWatermark) return false;
  return !read_until_ || generator_.watermark() > *read_until_;
}

std::optional<std::string> RunLoop::watermark_held_by() const {
  const auto slowest = merger_.slowest();
  if (!slowest) return std::nullopt;
  return inputs_[*slowest].identity().peer;
}

// Tells senders what has been consumed, but for what the operator keeps; what waited for it may happen then.
Status RunLoop::settle() {
  const std::size_t kept = stage_.op ? stage_.op->kept_batches() : 0;
  const bool kept_some = std::exchange(keeps_, kept > 0);
  for (; unsettled_.size() > kept; unsettled_.pop_front()) {
    const auto& [channel, bytes] = unsettled_.front();
    if (channel) STREAM_TRY(inputs_[*channel].consumed(bytes));
  }
  if (kept_some && after_ == After::kNothing) say_watermark();
  if (!end_waits_ || kept > 0) return {};
  end_waits_ = false;
  return finish_input();
}

// What the operator's outputs may promise can rise as it gives what it has kept.
void RunLoop::say_watermark() {
  if (!stage_.op || own_time_ || restored_ended_) return;
  const Microseconds merged = merger_.merged();
  outputs_.set_watermark(merged == kNoWatermark ? merged : stage_.op->output_watermark(merged), merger_.idle());
}

void RunLoop::advance_own_time(Microseconds now) {
  own_time_->advance(now);
  resumable_watermark_ = own_time_->watermark();
  outputs_.set_watermark(own_time_->watermark(), own_time_->idle());
}

}  // namespace stream
