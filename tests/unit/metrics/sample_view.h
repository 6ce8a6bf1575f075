// A job of two stages, one of two instances, whose every number is known.
#pragma once

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics::testing {

inline InstanceView instance(std::size_t stage, std::uint32_t index, std::uint64_t in, std::uint64_t out) {
  InstanceView view;
  view.stage = stage;
  view.index = index;
  view.attempt = 2;
  view.running = true;
  view.stats.records_in = in;
  view.stats.records_out = out;
  view.stats.total_us = 3'000'000;
  view.stats.idle_us = 1'000'000;
  view.stats.backpressured_us = 700'000;
  view.stats.state_bytes = 100;
  view.earlier = view.stats;
  view.earlier.records_in = in / 2;
  view.earlier.total_us = 2'000'000;
  view.earlier.idle_us = 800'000;
  view.earlier.backpressured_us = 400'000;
  return view;
}

inline MetricsView sample_view() {
  MetricsView view;
  view.at_us = 1'700'000'000'000'000;
  view.host = "ada.example";
  view.host_id = "00112233445566778899aabbccddeeff";
  view.job = "visits";
  view.job_id = "0123456789abcdef0123456789abcdef";
  view.stages = {{"in", "aa", Role::kSource, 64 << 20}, {"totals", "bb", Role::kSink, 64 << 20}};
  view.instances = {instance(0, 0, 0, 1000), instance(1, 0, 600, 0), instance(1, 1, 400, 0)};
  view.instances[0].stats.watermark = 1'699'999'999'000'000;
  view.instances[1].stats.user_counters = {{"hits", 7}};
  view.instances[1].stats.user_gauges = {{"queue depth", -1.5}};
  view.instances[1].stats.user_meters = {{"orders", 30}};
  view.instances[1].earlier.user_meters = {{"orders", 10}};
  view.instances[1].stats.user_histograms = {{"took", histogram_of({1, 5, 9}, 3)}};
  view.totals.activity = Activity::kRunning;
  view.totals.activity_us = 5'000'000;
  view.totals.completed = 3;
  view.totals.last = LastCheckpoint{3, 1'000'000, 1'020'000, 4096, 8192, 500, 250};
  RecentValues durations;
  for (const double value : {10.0, 20.0, 30.0}) durations.add(value);
  view.totals.duration_ms = durations.value();
  view.reporters = {{"prometheus", 4, 1}};
  return view;
}

inline const MetricGroup* find_group(const MetricsSnapshot& snapshot, Scope scope, std::size_t which = 0) {
  for (const MetricGroup& group : snapshot.groups) {
    if (group.scope == scope && which-- == 0) return &group;
  }
  return nullptr;
}

inline const MetricPoint* find_point(const MetricGroup* group, std::string_view name) {
  if (group == nullptr) return nullptr;
  for (const MetricPoint& point : group->points) {
    if (point.name == name) return &point;
  }
  return nullptr;
}

// The value, -1 where there is none.
inline double value_of(const MetricGroup* group, std::string_view name) {
  const MetricPoint* point = find_point(group, name);
  return point == nullptr ? -1 : point->value;
}

}  // namespace stream::metrics::testing
