// UserMetrics: counters, gauges, meters and histograms that a user's own code keeps, by name. They are told with the
// instance's statistics and begin anew with every start of the instance, as its other counts do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "transport/base/histogram.h"

namespace stream {

class UserMetrics {
 public:
  static constexpr std::size_t kNamesMax = 100;  // of an instance: each travels with every report
  static constexpr std::size_t kNameMax = 100;   // bytes

  // False: it is not kept, as the name is not one, or there are too many.
  bool count(std::string_view name, std::int64_t by);
  bool gauge(std::string_view name, double value);
  bool meter(std::string_view name, std::int64_t events);  // that many have happened; told is how many in a second
  bool histogram(std::string_view name, double value);     // one of the values whose spread is told

  const std::map<std::string, std::int64_t, std::less<>>& counters() const { return counters_; }
  const std::map<std::string, double, std::less<>>& gauges() const { return gauges_; }
  const std::map<std::string, std::int64_t, std::less<>>& meters() const { return meters_; }
  std::map<std::string, metrics::HistogramValue, std::less<>> histograms() const;

 private:
  template <class T>
  using Values = std::map<std::string, T, std::less<>>;

  template <class T>
  T* find(Values<T>& values, std::string_view name) const;

  Values<std::int64_t> counters_;
  Values<double> gauges_;
  Values<std::int64_t> meters_;
  Values<metrics::RecentValues> histograms_;
};

}  // namespace stream
