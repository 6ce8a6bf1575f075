#include "stages/throttle/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace stream {
namespace {

constexpr double kPause = 100'000;
constexpr double kRounding = 1e-6;  // of a row: sums of fractions are not exact

}  // namespace

TokenBucket::TokenBucket(double rows_a_second) : rate_(rows_a_second / 1e6), most_(std::max(1.0, rate_ * kPause)) {}

std::uint64_t TokenBucket::available(Microseconds now) {
  if (seen_ != 0 && now > seen_) tokens_ = std::min(most_, tokens_ + static_cast<double>(now - seen_) * rate_);
  seen_ = now;
  return static_cast<std::uint64_t>(tokens_ + kRounding);
}

void TokenBucket::take(std::uint64_t rows) { tokens_ -= static_cast<double>(rows); }

std::uint64_t TokenBucket::rows_in(Microseconds time) const {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rate_ * static_cast<double>(time)));
}

Microseconds TokenBucket::when(std::uint64_t rows) const {
  const double wanted = std::min(static_cast<double>(rows), most_);
  return seen_ + static_cast<Microseconds>(std::ceil(std::max(0.0, wanted - tokens_) / rate_));
}

}  // namespace stream
