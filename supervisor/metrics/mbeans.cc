#include "supervisor/metrics/mbeans.h"

#include <algorithm>

#include "supervisor/metrics/filter.h"
#include "transport/base/text.h"

namespace stream::metrics {
namespace {

// As Flink's: what has a meaning in a name becomes '-', quotes go, blanks become '_'.
std::string value_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\n') continue;
    const bool special = std::string_view(",=;:?'*").find(c) != std::string_view::npos;
    out += c == ' ' ? '_' : special ? '-' : c;
  }
  return out;
}

std::vector<std::pair<std::string_view, double>> attributes_of(const MetricPoint& point) {
  switch (point.kind) {
    case Kind::kCounter: return {{"Count", point.value}};
    case Kind::kGauge: return {{"Value", point.value}};
    case Kind::kMeter: return {{"Rate", point.value}, {"Count", static_cast<double>(point.count)}};
    case Kind::kHistogram: break;
  }
  const HistogramValue& h = point.histogram;
  return {{"Count", static_cast<double>(h.count)},
          {"Min", h.min},
          {"Max", h.max},
          {"Mean", h.mean},
          {"StdDev", h.deviation},
          {"Median", h.quantiles[0]},
          {"75thPercentile", h.quantiles[1]},
          {"95thPercentile", h.quantiles[2]},
          {"98thPercentile", h.quantiles[3]},
          {"99thPercentile", h.quantiles[4]},
          {"999thPercentile", h.quantiles[5]}};
}

bool has_star(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

}  // namespace

std::string ObjectName::properties() const {
  std::string out;
  for (const auto& [key, value] : keys) out += (out.empty() ? "" : ",") + key + "=" + value;
  if (more_keys) out += out.empty() ? "*" : ",*";
  return out;
}

bool ObjectName::pattern() const {
  return more_keys || has_star(domain) ||
         std::ranges::any_of(keys, [](const auto& key) { return has_star(key.second); });
}

bool ObjectName::matches(const ObjectName& bean) const {
  if (!metrics::matches(domain, bean.domain) || (!more_keys && keys.size() != bean.keys.size())) return false;
  return std::ranges::all_of(keys, [&](const auto& key) {
    const auto it = bean.keys.find(key.first);
    return it != bean.keys.end() && metrics::matches(key.second, it->second);
  });
}

std::optional<ObjectName> parse_object_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  ObjectName name;
  name.domain = text.substr(0, colon);
  for (const std::string& part : split(text.substr(colon + 1), ',')) {
    const std::size_t equals = part.find('=');
    if (part == "*")
      name.more_keys = true;
    else if (equals == std::string::npos || equals == 0)
      return std::nullopt;
    else
      name.keys[part.substr(0, equals)] = part.substr(equals + 1);
  }
  return name;
}

std::vector<Bean> beans_of(const MetricsSnapshot& snapshot) {
  std::vector<Bean> beans;
  for (const MetricGroup& group : snapshot.groups) {
    std::map<std::string, std::string> keys;
    for (const auto& [name, value] : group.variables) keys[value_text(name)] = value_text(value);
    for (const MetricPoint& point : group.points) {
      const std::string domain =
          "org.apache.flink." + std::string(scope_name(group.scope)) + "." + value_text(point.name);
      beans.push_back({{domain, keys, false},
                       point.definition == nullptr ? "User-defined." : point.definition->meaning,
                       attributes_of(point)});
    }
  }
  return beans;
}

}  // namespace stream::metrics
