#include "transport/base/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace stream::metrics {

void RecentValues::add(double value) { values_[count_++ % kKept] = value; }

HistogramValue RecentValues::value() const { return histogram_of({kept().begin(), kept().end()}, count_); }

HistogramValue histogram_of(std::vector<double> values, std::uint64_t count) {
  HistogramValue out;
  out.count = count;
  const std::size_t n = values.size();
  if (n == 0) return out;
  std::ranges::sort(values);
  out.min = values.front();
  out.max = values.back();
  out.mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  out.deviation = n < 2 ? 0 : std::sqrt(squares / static_cast<double>(n - 1));
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    const auto rank = static_cast<std::size_t>(std::ceil(kQuantiles[i] * static_cast<double>(n)));
    out.quantiles[i] = values[std::clamp<std::size_t>(rank, 1, n) - 1];
  }
  return out;
}

}  // namespace stream::metrics
