// Histograms over the newest values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stream::metrics {

struct HistogramValue {
  std::uint64_t count = 0;  // of all values ever
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
  std::array<double, 6> quantiles = {0, 0, 0, 0, 0, 0};  // kQuantiles
};

inline constexpr std::array<double, 6> kQuantiles = {0.5, 0.75, 0.95, 0.98, 0.99, 0.999};

// The newest 128 values, as Flink keeps them.
class RecentValues {
 public:
  static constexpr std::size_t kKept = 128;

  void add(double value);
  HistogramValue value() const;

 private:
  std::array<double, kKept> values_ = {};
  std::uint64_t count_ = 0;
};

}  // namespace stream::metrics
