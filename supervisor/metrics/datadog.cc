#include "supervisor/metrics/datadog.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

using nlohmann::ordered_json;

class Series {
 public:
  Series(const MetricsSnapshot& snapshot, std::vector<std::string> tags, Deltas& deltas)
      : snapshot_(snapshot), more_tags_(std::move(tags)), deltas_(deltas) {
    for (const MetricGroup& group : snapshot.groups) add(group);
  }
  std::vector<ordered_json> take() { return std::move(all_); }

 private:
  void add(const MetricGroup& group) {
    ordered_json tags = ordered_json::array();
    for (const auto& [name, value] : group.variables) tags.push_back(name + ":" + value);
    for (const std::string& tag : more_tags_) tags.push_back(tag);
    for (const MetricPoint& point : group.points) {
      const std::string name = datadog_name(group.scope, point.name);
      if (point.kind == Kind::kHistogram) {
        for (const auto& [part, value] : parts_of(point.histogram))
          add(name + "." + std::string(part), "gauge", value, tags);
      } else if (point.kind == Kind::kCounter) {
        add(name, "count", deltas_.since(name + tags.dump(), point.value), tags);
      } else {
        add(name, "gauge", point.value, tags);
      }
    }
  }

  void add(const std::string& name, const char* type, double value, const ordered_json& tags) {
    if (!std::isfinite(value)) return;
    all_.push_back({{"metric", name},
                    {"type", type},
                    {"host", snapshot_.host},
                    {"tags", tags},
                    {"points", {{snapshot_.at_us / 1'000'000, value}}}});
  }

  const MetricsSnapshot& snapshot_;
  std::vector<std::string> more_tags_;
  Deltas& deltas_;
  std::vector<ordered_json> all_;
};

}  // namespace

std::vector<std::string> datadog_bodies(const MetricsSnapshot& snapshot, const std::vector<std::string>& tags,
                                        std::size_t most, Deltas& deltas) {
  std::vector<ordered_json> all = Series(snapshot, tags, deltas).take();
  std::vector<std::string> bodies;
  for (std::size_t at = 0; at < all.size(); at += most) {
    ordered_json series = ordered_json::array();
    for (std::size_t i = at; i < std::min(all.size(), at + most); ++i) series.push_back(std::move(all[i]));
    bodies.push_back(
        ordered_json{{"series", std::move(series)}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  return bodies;
}

}  // namespace stream::metrics
