// The one table of metrics: what is measured, in which scope, under which name, and how it is read from a MetricsView.
//
// Collection, every reporter and the table in stream-metrics(7) come from it. Names and scopes are those of Flink where
// Flink has the metric, so that boards and alerts carry over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "supervisor/metrics/view.h"

namespace stream::metrics {

enum class Kind : std::uint8_t { kCounter, kGauge, kMeter, kHistogram };
std::string_view kind_name(Kind kind);  // "counter", …

// Bits of MetricDefinition::scopes.
enum class Scope : std::uint8_t {
  kSupervisor = 1,  // the process that runs the job, and its machine
  kReporter = 2,    // one reporter of metrics
  kJob = 4,
  kStage = 8,      // all instances of a stage together
  kHost = 16,      // all instances on a machine together
  kTask = 32,      // one instance …
  kOperator = 64,  // … and again: what Flink has for both
  kLatency = 128   // of an instance, how long rows take to its end
};
inline constexpr Scope kScopes[] = {Scope::kSupervisor, Scope::kReporter, Scope::kJob,      Scope::kStage,
                                    Scope::kHost,       Scope::kTask,     Scope::kOperator, Scope::kLatency};
std::string_view scope_name(Scope scope);  // "jobmanager.job", … as Flink's logical scopes

// What a metric is read from: `instances` are all that belong to it, one in the scopes of tasks and operators.
struct Subject {
  const MetricsView& view;
  std::span<const InstanceView* const> instances = {};
  const StageView* stage = nullptr;
  const ReporterView* reporter = nullptr;
};

struct Reading {
  double value = 0;         // of a meter: per second
  std::uint64_t count = 0;  // of a meter: of all
  const HistogramValue* histogram = nullptr;
};

struct MetricDefinition {
  std::string_view name;
  std::uint8_t scopes;
  Kind kind;
  std::string_view unit;
  std::string_view meaning;
  std::optional<Reading> (*read)(const Subject&);  // none: there is no value now

  bool in(Scope scope) const { return (scopes & static_cast<std::uint8_t>(scope)) != 0; }
};

std::span<const MetricDefinition> metric_table();

}  // namespace stream::metrics
