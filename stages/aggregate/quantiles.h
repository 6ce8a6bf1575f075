// Quantiles of values that are counted: exact ones, and those of buckets, which are off by 1 % at most.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace stream {

// Buckets of DDSketch: numbers in one differ by at most some 2 %, so that its middle is within 1 % of each. They rise
// with the numbers; those of numbers below zero are negative. The infinities have their own, and NaN is above all.
std::int64_t quantile_bucket(double value);
double bucket_value(std::int64_t bucket);

template <class T>
using Counted = std::vector<std::pair<T, std::int64_t>>;  // values and how often, rising; not empty

// As percentile_disc: the first value that is not below so large a part of all.
std::int64_t quantile_of_buckets(const Counted<std::int64_t>& buckets, double quantile);
// As percentile_cont: between the two in the middle.
double median_of(const Counted<double>& values);

}  // namespace stream
