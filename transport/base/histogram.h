// Histograms over the newest values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stream::metrics {

struct HistogramValue {
  std::uint64_t count = 0;  // of all values ever
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
  std::array<double, 6> quantiles = {0, 0, 0, 0, 0, 0};  // kQuantiles

  friend bool operator==(const HistogramValue&, const HistogramValue&) = default;
};

inline constexpr std::array<double, 6> kQuantiles = {0.5, 0.75, 0.95, 0.98, 0.99, 0.999};

// Of these values, which are all there are of `count`.
HistogramValue histogram_of(std::vector<double> values, std::uint64_t count);

// The newest 128 values, as Flink keeps them.
class RecentValues {
 public:
  static constexpr std::size_t kKept = 128;

  void add(double value);
  HistogramValue value() const;
  std::uint64_t count() const { return count_; }
  // Those that are kept, in no order.
  std::span<const double> kept() const { return {values_.data(), std::min<std::size_t>(count_, kKept)}; }

 private:
  std::array<double, kKept> values_ = {};
  std::uint64_t count_ = 0;
};

}  // namespace stream::metrics
