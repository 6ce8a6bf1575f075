#include "supervisor/http/metrics.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "supervisor/http/facts.h"
#include "supervisor/metrics/host.h"
#include "supervisor/metrics/snapshot.h"

namespace stream::http {
namespace {

void add_values(const Json& group, const std::string& prefix, std::vector<MetricValue>& out) {
  const auto values = group.find("values");
  if (values == group.end()) return;
  for (const auto& [name, value] : values->items()) {
    if (value.is_number()) out.push_back({prefix + name, value.get<double>()});
  }
}

bool is_of(const Json& group, metrics::Scope scope) { return text_of(group, "scope") == metrics::scope_name(scope); }

}  // namespace

std::vector<MetricValue> job_metrics(const Json& groups) {
  std::vector<MetricValue> out;
  for (const Json& group : groups) {
    if (is_of(group, metrics::Scope::kJob)) add_values(group, "", out);
    if (is_of(group, metrics::Scope::kLatency))
      add_values(group,
                 "latency.operator_id." + text_of(group, "operator_id") + ".operator_subtask_index." +
                     metric_text(real_of(group, "instance")) + ".",
                 out);
  }
  return out;
}

std::vector<MetricValue> instance_metrics(const Json& groups, const std::string& stage, std::size_t instance) {
  std::vector<MetricValue> out;
  for (const Json& group : groups) {
    if (text_of(group, "stage") != stage || real_of(group, "instance") != static_cast<double>(instance)) continue;
    if (is_of(group, metrics::Scope::kTask)) add_values(group, "", out);
    if (is_of(group, metrics::Scope::kOperator)) add_values(group, stage + ".", out);
  }
  return out;
}

std::vector<MetricValue> stage_metrics(const Json& groups, const std::string& stage) {
  std::vector<MetricValue> out;
  for (const Json& group : groups) {
    if (is_of(group, metrics::Scope::kStage) && text_of(group, "stage") == stage) add_values(group, "", out);
  }
  return out;
}

std::vector<MetricValue> host_metrics(const Json& groups, const std::string& host) {
  std::vector<MetricValue> out;
  for (const Json& group : groups) {
    if (is_of(group, metrics::Scope::kHost) && text_of(group, "host_id") == host) add_values(group, "", out);
  }
  return out;
}

std::vector<MetricValue> machine_metrics() {
  metrics::MetricsView view;
  metrics::HostProbe().look(system_clock().monotonic_us(), view.machine, view.supervisor);
  std::vector<MetricValue> out;
  for (const metrics::MetricGroup& group : metrics::collect(view).groups) {
    if (group.scope != metrics::Scope::kSupervisor) continue;
    for (const metrics::MetricPoint& point : group.points) out.push_back({point.name, point.value});
  }
  return out;
}

std::string metric_text(double value) {
  char text[40];
  if (std::trunc(value) == value && std::abs(value) < 1e15)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace stream::http
