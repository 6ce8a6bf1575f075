#include "supervisor/metrics/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace stream::metrics {

void RecentValues::add(double value) { values_[count_++ % kKept] = value; }

HistogramValue RecentValues::value() const {
  HistogramValue out;
  out.count = count_;
  const std::size_t n = std::min<std::size_t>(count_, kKept);
  if (n == 0) return out;
  std::array<double, kKept> sorted = values_;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(n);
  std::sort(sorted.begin(), end);
  out.min = sorted[0];
  out.max = sorted[n - 1];
  out.mean = std::accumulate(sorted.begin(), end, 0.0) / static_cast<double>(n);
  double squares = 0;
  for (auto it = sorted.begin(); it != end; ++it) squares += (*it - out.mean) * (*it - out.mean);
  out.deviation = n < 2 ? 0 : std::sqrt(squares / static_cast<double>(n - 1));
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    const auto rank = static_cast<std::size_t>(std::ceil(kQuantiles[i] * static_cast<double>(n)));
    out.quantiles[i] = sorted[std::clamp<std::size_t>(rank, 1, n) - 1];
  }
  return out;
}

}  // namespace stream::metrics
