#include "supervisor/metrics/tally.h"

#include <algorithm>

namespace stream::metrics {

void JobTally::observe(Activity activity, Microseconds monotonic, Microseconds wall) {
  if (since_ < 0) {
    since_ = monotonic;
    totals_.activity = activity;
    return;
  }
  const bool recovering = totals_.activity == Activity::kRestarting && activity == Activity::kInitializing;
  if (activity == totals_.activity || recovering) return;
  totals_.total_us[static_cast<std::size_t>(totals_.activity)] += monotonic - since_;
  if (activity == Activity::kRestarting) {
    failed_at_us_ = wall;
    lost();
  } else if (totals_.activity == Activity::kRestarting) {
    keep({0, "Recovery", failed_at_us_, wall, false, {}});
  }
  totals_.activity = activity;
  since_ = monotonic;
}

void JobTally::on_triggered() {
  lost();
  ++totals_.triggered;
  totals_.in_progress = true;
}

// A checkpoint of which nothing more is heard.
void JobTally::lost() {
  if (totals_.in_progress) ++totals_.failed;
  totals_.in_progress = false;
}

void JobTally::on_completed(const LastCheckpoint& checkpoint) {
  totals_.in_progress = false;
  ++totals_.completed;
  totals_.last = checkpoint;
  duration_ms_.add(static_cast<double>(checkpoint.ended_us - checkpoint.triggered_us) / 1000);
  alignment_ms_.add(static_cast<double>(checkpoint.alignment_us) / 1000);
  pause_ms_.add(static_cast<double>(checkpoint.pause_us) / 1000);
  keep({0,
        "Checkpoint",
        checkpoint.triggered_us,
        checkpoint.ended_us,
        false,
        {{"checkpointId", std::to_string(checkpoint.id)},
         {"checkpointSize", std::to_string(checkpoint.bytes)},
         {"checkpointFullSize", std::to_string(checkpoint.full_bytes)},
         {"checkpointStatus", "COMPLETED"}}});
}

void JobTally::on_failed(std::uint64_t id, Microseconds triggered_us, Microseconds ended_us,
                         const std::string& reason) {
  lost();
  keep({0,
        "Checkpoint",
        triggered_us,
        ended_us,
        true,
        {{"checkpointId", std::to_string(id)}, {"checkpointStatus", "FAILED"}, {"reason", reason}}});
}

void JobTally::keep(Span span) {
  span.number = ++span_number_;
  spans_.push_back(std::move(span));
  if (spans_.size() > kKept) spans_.pop_front();
}

void JobTally::on_event(Microseconds wall, const std::string& kind, const std::string& text) {
  events_.push_back({++event_number_, wall, kind, text});
  if (events_.size() > kKept) events_.pop_front();
}

JobTotals JobTally::totals(Microseconds monotonic) const {
  JobTotals out = totals_;
  if (since_ >= 0) {
    out.activity_us = std::max<Microseconds>(0, monotonic - since_);
    out.total_us[static_cast<std::size_t>(out.activity)] += out.activity_us;
  }
  out.duration_ms = duration_ms_.value();
  out.alignment_ms = alignment_ms_.value();
  out.pause_ms = pause_ms_.value();
  out.spans.assign(spans_.begin(), spans_.end());
  out.events.assign(events_.begin(), events_.end());
  return out;
}

}  // namespace stream::metrics
