#include "stages/kit/user_metrics.h"

#include <cmath>

namespace stream {

namespace {

bool add(std::int64_t* to, std::int64_t by) {
  if (to != nullptr && __builtin_add_overflow(*to, by, to)) *to = by > 0 ? INT64_MAX : INT64_MIN;
  return to != nullptr;
}

}  // namespace

bool UserMetrics::count(std::string_view name, std::int64_t by) { return add(find(counters_, name), by); }

// What has happened does not happen less.
bool UserMetrics::meter(std::string_view name, std::int64_t events) {
  return events >= 0 && add(find(meters_, name), events);
}

bool UserMetrics::histogram(std::string_view name, double value) {
  metrics::RecentValues* const at = std::isfinite(value) ? find(histograms_, name) : nullptr;
  if (at != nullptr) at->add(value);
  return at != nullptr;
}

std::map<std::string, metrics::HistogramValue, std::less<>> UserMetrics::histograms() const {
  std::map<std::string, metrics::HistogramValue, std::less<>> out;
  for (const auto& [name, values] : histograms_) out.emplace(name, values.value());
  return out;
}

bool UserMetrics::gauge(std::string_view name, double value) {
  double* const at = find(gauges_, name);
  if (at != nullptr) *at = value;
  return at != nullptr;
}

template <class T>
T* UserMetrics::find(Values<T>& values, std::string_view name) const {
  if (const auto known = values.find(name); known != values.end()) return &known->second;
  const std::size_t all = counters_.size() + gauges_.size() + meters_.size() + histograms_.size();
  if (name.empty() || name.size() > kNameMax || all >= kNamesMax) return nullptr;
  return &values.emplace(name, T{}).first->second;
}

}  // namespace stream
