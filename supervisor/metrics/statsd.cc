#include <cmath>

#include "supervisor/metrics/formats.h"
#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

// Calls take(suffix, value, kind) for each number of a point.
template <class Take>
void each_value(const MetricPoint& point, const Take& take) {
  if (point.kind != Kind::kHistogram) return take("", point.value);
  for (const auto& [part, value] : parts_of(point.histogram)) take("." + std::string(part), value);
}

std::string tags_of(const MetricGroup& group) {
  std::string out;
  for (const auto& [name, value] : group.variables) {
    out += out.empty() ? "|#" : ",";
    out += cleaned(name, "_-./") + ":" + cleaned(value, "_-./:");
  }
  return out;
}

}  // namespace

double Deltas::since(const std::string& series, double value) {
  double& before = before_[series];
  const double change = value < before ? value : value - before;
  before = value;
  return change;
}

std::string datadog_name(Scope scope, std::string_view metric) {
  const auto prefix = [&]() -> std::string {
    switch (scope) {
      case Scope::kTask: return "flink.task.";
      case Scope::kOperator: return "flink.operator.";
      case Scope::kStage: return "flink.jobmanager.operator.";
      default: return "flink." + std::string(scope_name(scope)) + ".";
    }
  };
  return prefix() + cleaned(metric, "_.");
}

std::vector<std::string> statsd_lines(const MetricsSnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const MetricGroup& group : snapshot.groups) {
    for (const MetricPoint& point : group.points) {
      if (repeated(group, point)) continue;
      const std::string name = identifier(group, point.name);
      each_value(point, [&](const std::string& suffix, double value) {
        if (!std::isfinite(value)) return;
        if (value < 0) lines.push_back(name + suffix + ":0|g");
        lines.push_back(name + suffix + ":" + number_text(value) + "|g");
      });
    }
  }
  return lines;
}

std::vector<std::string> dogstatsd_lines(const MetricsSnapshot& snapshot, Deltas& deltas) {
  std::vector<std::string> lines;
  for (const MetricGroup& group : snapshot.groups) {
    const std::string tags = tags_of(group);
    for (const MetricPoint& point : group.points) {
      const std::string name = datadog_name(group.scope, point.name);
      each_value(point, [&](const std::string& suffix, double value) {
        if (!std::isfinite(value)) return;
        const bool counts = point.kind == Kind::kCounter;
        if (counts) value = deltas.since(name + tags, value);
        lines.push_back(name + suffix + ":" + number_text(value) + (counts ? "|c" : "|g") + tags);
      });
    }
  }
  return lines;
}

std::vector<std::string> packets_of(const std::vector<std::string>& lines, std::size_t most) {
  std::vector<std::string> packets;
  for (const std::string& line : lines) {
    if (packets.empty() || packets.back().size() + 1 + line.size() > most)
      packets.push_back(line);
    else
      packets.back() += "\n" + line;
  }
  return packets;
}

}  // namespace stream::metrics
