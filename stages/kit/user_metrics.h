// UserMetrics: counters and gauges that a user's own code keeps, by name. They are told with the instance's statistics
// and begin anew with every start of the instance, as its other counts do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace stream {

class UserMetrics {
 public:
  static constexpr std::size_t kNamesMax = 100;  // of an instance: each travels with every report
  static constexpr std::size_t kNameMax = 100;   // bytes

  // False: it is not kept, as the name is not one, or there are too many.
  bool count(std::string_view name, std::int64_t by);
  bool gauge(std::string_view name, double value);

  const std::map<std::string, std::int64_t, std::less<>>& counters() const { return counters_; }
  const std::map<std::string, double, std::less<>>& gauges() const { return gauges_; }

 private:
  template <class T>
  using Values = std::map<std::string, T, std::less<>>;

  template <class T>
  T* find(Values<T>& values, std::string_view name) const;

  Values<std::int64_t> counters_;
  Values<double> gauges_;
};

}  // namespace stream
