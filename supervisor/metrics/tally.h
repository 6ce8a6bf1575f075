// JobTally: counts checkpoints and times of a job from what happens to it. Pure: the caller brings the time.
#pragma once

#include <deque>

#include "supervisor/metrics/view.h"

namespace stream::metrics {

class JobTally {
 public:
  static constexpr std::size_t kKept = 64;  // spans and events

  // What the job is busy with, as often as one likes. Starting anew behind a failure is part of recovering from it.
  void observe(Activity activity, Microseconds monotonic, Microseconds wall);
  void on_restored(Microseconds wall) { totals_.restored_us = wall; }

  void on_triggered();
  void on_completed(const LastCheckpoint& checkpoint);
  void on_failed(std::uint64_t id, Microseconds triggered_us, Microseconds ended_us, const std::string& reason);

  void on_event(Microseconds wall, const std::string& kind, const std::string& text);

  JobTotals totals(Microseconds monotonic) const;

 private:
  void lost();
  void keep(Span span);

  JobTotals totals_;
  RecentValues duration_ms_;
  RecentValues alignment_ms_;
  RecentValues pause_ms_;
  std::deque<Span> spans_;
  std::deque<EventView> events_;
  std::uint64_t span_number_ = 0;
  std::uint64_t event_number_ = 0;
  Microseconds since_ = -1;        // monotonic
  Microseconds failed_at_us_ = 0;  // wall
};

}  // namespace stream::metrics
