#include <cmath>

#include "supervisor/metrics/formats.h"
#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

// The names that Flink's reporter gives, which is Dropwizard's.
std::vector<std::pair<std::string, double>> values_of(const MetricPoint& point) {
  switch (point.kind) {
    case Kind::kCounter: return {{".count", point.value}};
    case Kind::kGauge: return {{"", point.value}};
    case Kind::kMeter: return {{".count", static_cast<double>(point.count)}, {".m1_rate", point.value}};
    case Kind::kHistogram: break;
  }
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [part, value] : parts_of(point.histogram)) out.emplace_back("." + std::string(part), value);
  return out;
}

}  // namespace

std::string graphite_lines(const MetricsSnapshot& snapshot, const std::string& prefix) {
  const std::string end = " " + std::to_string(snapshot.at_us / 1'000'000) + "\n";
  std::string out;
  for (const MetricGroup& group : snapshot.groups) {
    for (const MetricPoint& point : group.points) {
      if (repeated(group, point)) continue;
      const std::string name = (prefix.empty() ? "" : prefix + ".") + identifier(group, point.name);
      for (const auto& [suffix, value] : values_of(point)) {
        if (std::isfinite(value)) out += name + suffix + " " + number_text(value) + end;
      }
    }
  }
  return out;
}

}  // namespace stream::metrics
