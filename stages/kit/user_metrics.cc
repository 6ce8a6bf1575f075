#include "stages/kit/user_metrics.h"

namespace stream {

bool UserMetrics::count(std::string_view name, std::int64_t by) {
  std::int64_t* const at = find(counters_, name);
  if (at != nullptr && __builtin_add_overflow(*at, by, at)) *at = by > 0 ? INT64_MAX : INT64_MIN;
  return at != nullptr;
}

bool UserMetrics::gauge(std::string_view name, double value) {
  double* const at = find(gauges_, name);
  if (at != nullptr) *at = value;
  return at != nullptr;
}

template <class T>
T* UserMetrics::find(Values<T>& values, std::string_view name) const {
  if (const auto known = values.find(name); known != values.end()) return &known->second;
  if (name.empty() || name.size() > kNameMax || counters_.size() + gauges_.size() >= kNamesMax) return nullptr;
  return &values.emplace(name, T{}).first->second;
}

}  // namespace stream
