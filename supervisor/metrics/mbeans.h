// Metrics as JMX has them: managed beans with the names and attributes that Flink's JMX reporter gives. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

struct ObjectName {
  std::string domain;
  std::map<std::string, std::string> keys;
  bool more_keys = false;  // of a pattern: others may be there as well

  std::string properties() const;  // "a=b,c=d", sorted
  std::string text() const { return domain + ":" + properties(); }
  bool pattern() const;
  bool matches(const ObjectName& bean) const;  // as a pattern, '*' and '?' in its texts
};
// Nothing where it is no name.
std::optional<ObjectName> parse_object_name(std::string_view text);

struct Bean {
  ObjectName name;
  std::string_view meaning;
  std::vector<std::pair<std::string_view, double>> attributes;  // "Count", "Value", …
};

std::vector<Bean> beans_of(const MetricsSnapshot& snapshot);

}  // namespace stream::metrics
