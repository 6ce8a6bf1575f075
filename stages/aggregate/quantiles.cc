#include "stages/aggregate/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stream {
namespace {

constexpr double kError = 0.01;
constexpr double kGamma = (1 + kError) / (1 - kError);
constexpr std::int64_t kMiddle = 50'000;  // of 1; the smallest number is some 37,300 buckets below
constexpr std::int64_t kInfinity = 1'000'000;
constexpr std::int64_t kNan = 2'000'000;
const double kLogGamma = std::log(kGamma);

template <class T>
T at_position(const Counted<T>& values, std::int64_t position) {
  for (const auto& [value, count] : values) {
    if (position < count) return value;
    position -= count;
  }
  return values.back().first;
}

template <class T>
std::int64_t count_of(const Counted<T>& values) {
  std::int64_t count = 0;
  for (const auto& [value, times] : values) count += times;
  return count;
}

}  // namespace

std::int64_t quantile_bucket(double value) {
  if (std::isnan(value)) return kNan;
  if (value == 0) return 0;
  const double size = std::fabs(value);
  const std::int64_t bucket =
      std::isinf(size) ? kInfinity : kMiddle + static_cast<std::int64_t>(std::ceil(std::log(size) / kLogGamma));
  return value < 0 ? -bucket : bucket;
}

double bucket_value(std::int64_t bucket) {
  if (bucket == kNan) return std::numeric_limits<double>::quiet_NaN();
  if (bucket == 0) return 0;
  const std::int64_t size = bucket < 0 ? -bucket : bucket;
  constexpr double kLargest = std::numeric_limits<double>::max();
  const double middle = std::exp(static_cast<double>(size - kMiddle) * kLogGamma) * (2 / (kGamma + 1));
  const double value = size == kInfinity ? std::numeric_limits<double>::infinity() : std::min(middle, kLargest);
  return bucket < 0 ? -value : value;
}

std::int64_t quantile_of_buckets(const Counted<std::int64_t>& buckets, double quantile) {
  const auto rank = static_cast<std::int64_t>(std::ceil(quantile * static_cast<double>(count_of(buckets))));
  return at_position(buckets, std::max<std::int64_t>(rank, 1) - 1);
}

double median_of(const Counted<double>& values) {
  const std::int64_t count = count_of(values);
  const double upper = at_position(values, count / 2);
  if (count % 2 != 0) return upper;
  const double lower = at_position(values, count / 2 - 1);
  return lower == upper ? lower : lower + (upper - lower) / 2;
}

}  // namespace stream
