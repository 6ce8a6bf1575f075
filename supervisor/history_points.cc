#include "supervisor/history_points.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace stream {
namespace {

using metrics::MetricGroup;
using metrics::MetricPoint;
using metrics::Scope;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

constexpr std::string_view kOfJob[] = {"numRestarts",
                                       "lastCheckpointDuration",
                                       "lastCheckpointSize",
                                       "lastCheckpointFullSize",
                                       "numberOfCompletedCheckpoints",
                                       "numberOfFailedCheckpoints",
                                       "Status.JVM.CPU.Load",
                                       "Status.JVM.Memory.Heap.Used",
                                       "System.CPU.Usage",
                                       "System.Memory.Available"};
constexpr std::string_view kOfInstancesForADay[] = {"numRecordsInPerSecond", "numRecordsOutPerSecond",
                                                    "busyTimeMsPerSecond",   "backPressuredTimeMsPerSecond",
                                                    "watermarkLag",          "stateSize",
                                                    "residentMemory"};
constexpr std::string_view kOfStages[] = {"numRecordsInPerSecond",
                                          "numRecordsOutPerSecond",
                                          "numBytesInPerSecond",
                                          "numBytesOutPerSecond",
                                          "numRecordsInErrors",
                                          "numLateRecordsDropped",
                                          "busyTimeMsPerSecond",
                                          "idleTimeMsPerSecond",
                                          "backPressuredTimeMsPerSecond",
                                          "Shuffle.Netty.Output.Buffers.outputQueueSize",
                                          "watermarkLag",
                                          "checkpointPauseMs",
                                          "stateRows",
                                          "stateSize",
                                          "stateSpilledSize",
                                          "residentMemory",
                                          "cpuLoad",
                                          "latency_median",
                                          "latency_p99"};

bool has(const auto& names, std::string_view name) { return std::ranges::find(names, name) != std::end(names); }

std::string variable_of(const MetricGroup& group, std::string_view name) {
  const auto at = std::ranges::find(group.variables, name, &metrics::Variable::first);
  return at == group.variables.end() ? "" : at->second;
}

std::int32_t subtask_of(const MetricGroup& group) {
  const std::string text = variable_of(group, "subtask_index");
  return text.empty() ? -1 : static_cast<std::int32_t>(std::strtol(text.c_str(), nullptr, 10));
}

// Of marks that have come to an instance; those of a stage are those of its slowest instance.
constexpr std::pair<const char*, std::size_t> kLatencies[] = {{"latency_median", 0}, {"latency_p99", 4}};

// Stages by their ids.
std::map<std::string, std::string> names_of(const metrics::MetricsSnapshot& snapshot) {
  std::map<std::string, std::string> names;
  for (const MetricGroup& group : snapshot.groups) {
    if (group.scope == Scope::kTask) names[variable_of(group, "task_id")] = variable_of(group, "task_name");
  }
  return names;
}

}  // namespace

void merge(HistoryPoint& into, const HistoryPoint& other) {
  const double all = static_cast<double>(into.samples + other.samples);
  for (std::size_t i = 0; i < into.values.size() && i < other.values.size(); ++i) {
    float& value = into.values[i];
    if (std::isnan(value)) value = other.values[i];
    if (std::isnan(other.values[i])) continue;
    value = static_cast<float>((static_cast<double>(value) * static_cast<double>(into.samples) +
                                static_cast<double>(other.values[i]) * static_cast<double>(other.samples)) /
                               all);
  }
  into.samples += other.samples;
}

bool is_kept(std::size_t level, const HistoryColumn& column) {
  if (column.subtask < 0 || level == 0) return true;
  return level == 1 && has(kOfInstancesForADay, column.metric);
}

bool is_common(std::string_view metric) { return has(kOfJob, metric) || has(kOfStages, metric); }

HistoryPoint HistoryColumns::point_of(const metrics::MetricsSnapshot& snapshot) {
  std::vector<std::pair<std::string, std::int32_t>> instances;
  for (const MetricGroup& group : snapshot.groups) {
    if (group.scope == Scope::kTask) instances.emplace_back(variable_of(group, "task_name"), subtask_of(group));
  }
  if (!instances.empty() && instances != instances_) {
    instances_ = std::move(instances);
    places_.clear();
    columns_.clear();
  }
  std::map<std::size_t, float> found;
  const auto put = [&](HistoryColumn column, double value) {
    const auto [at, added] = places_.try_emplace(column, columns_.size());
    if (added) columns_.push_back(std::move(column));
    found[at->second] = static_cast<float>(value);
  };
  const std::map<std::string, std::string> names = names_of(snapshot);
  std::map<std::pair<std::string, std::string>, double> slowest;
  const auto put_latency = [&](const MetricGroup& group, const MetricPoint& point) {
    const auto name = names.find(variable_of(group, "operator_id"));
    if (name == names.end()) return;
    const std::string index = variable_of(group, "operator_subtask_index");
    for (const auto& [metric, quantile] : kLatencies) {
      const double value = point.histogram.quantiles[quantile];
      put({metric, name->second, static_cast<std::int32_t>(std::strtol(index.c_str(), nullptr, 10))}, value);
      double& most = slowest[{metric, name->second}];
      most = std::max(most, value);
    }
  };
  for (const MetricGroup& group : snapshot.groups) {
    const bool job = group.scope == Scope::kJob || group.scope == Scope::kSupervisor;
    const bool stage = group.scope == Scope::kStage;
    const std::string vertex = variable_of(group, stage ? "operator_name" : "task_name");
    for (const MetricPoint& point : group.points) {
      if (job && has(kOfJob, point.name)) put({point.name}, point.value);
      if (stage && has(kOfStages, point.name)) put({point.name, vertex}, point.value);
      if (group.scope == Scope::kTask && has(kOfStages, point.name))
        put({point.name, vertex, subtask_of(group)}, point.value);
      if (group.scope == Scope::kLatency) put_latency(group, point);
      if (group.scope != Scope::kOperator || point.definition != nullptr) continue;
      auto& known = users_[vertex];
      if (known.size() < kUserNames) known.emplace(point.name, true);
      const bool spread = point.kind == metrics::Kind::kHistogram;  // the middle of it is kept
      if (known.contains(point.name))
        put({point.name, vertex, subtask_of(group)}, spread ? point.histogram.quantiles[0] : point.value);
    }
  }
  for (const auto& [of, value] : slowest) put({of.first, of.second}, value);
  HistoryPoint out{.at_ms = snapshot.at_us / 1000, .columns = columns_, .values = {}};
  out.values.assign(columns_.size(), kNone);
  for (const auto& [place, value] : found) out.values[place] = value;
  return out;
}

void HistorySteps::add(HistoryPoint second) {
  for (std::size_t level = 1; level < kHistoryLevels.size(); ++level) {
    HistoryPoint some{.level = level, .at_ms = second.at_ms, .samples = second.samples, .columns = {}, .values = {}};
    for (std::size_t i = 0; i < second.columns.size(); ++i) {
      if (!is_kept(level, second.columns[i])) continue;
      some.columns.push_back(second.columns[i]);
      some.values.push_back(second.values[i]);
    }
    add_to(level, std::move(some));
  }
  add_to(0, std::move(second));
}

void HistorySteps::add_to(std::size_t level, HistoryPoint point) {
  const std::int64_t step = kHistoryLevels[level].step_ms;
  point.at_ms = point.at_ms / step * step;
  std::optional<HistoryPoint>& open = open_[level];
  if (open && open->at_ms == point.at_ms && open->columns == point.columns) return merge(*open, point);
  if (open) over_.push_back(*std::move(open));
  open = std::move(point);
}

std::vector<HistoryPoint> HistorySteps::take(bool all) {
  for (std::optional<HistoryPoint>& open : open_) {
    if (all && open) over_.push_back(*std::exchange(open, std::nullopt));
  }
  return std::exchange(over_, {});
}

}  // namespace stream
