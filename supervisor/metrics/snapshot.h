// MetricsSnapshot: every metric that has a value, grouped by what it belongs to. What reporters send.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/metrics/metric.h"

namespace stream::metrics {

struct MetricPoint {
  std::string name;  // with its infix: "Status.JVM.CPU.Load"
  Kind kind = Kind::kGauge;
  const MetricDefinition* definition = nullptr;  // none: user-defined
  double value = 0;                              // of a meter: per second
  std::uint64_t count = 0;                       // of a meter
  HistogramValue histogram = {};                 // of a histogram
};

using Variable = std::pair<std::string, std::string>;

struct MetricGroup {
  Scope scope = Scope::kSupervisor;
  std::vector<Variable> variables;      // {"job_name", "visits"}, …
  std::vector<std::string> components;  // of Flink's identifier: host, "taskmanager", …
  std::vector<MetricPoint> points;
};

struct MetricsSnapshot {
  Microseconds at_us = 0;
  std::string host;
  std::string job;
  std::vector<MetricGroup> groups;
  std::vector<Span> spans;
  std::vector<EventView> events;
};

// Pure. Of instances that have not reported yet there is nothing.
MetricsSnapshot collect(const MetricsView& view);

}  // namespace stream::metrics
