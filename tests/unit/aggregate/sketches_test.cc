// Estimates: their errors, and that neither order nor merging changes them.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "stages/aggregate/hyperloglog.h"
#include "stages/aggregate/quantiles.h"
#include "stages/aggregate/squares.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

std::uint64_t hash_of(std::uint64_t value) { return hash_key({reinterpret_cast<const char*>(&value), sizeof value}); }

std::string sketch_of(const std::vector<std::uint64_t>& values) {
  std::string sketch;
  std::string more;
  for (const std::uint64_t value : values) {
    if (HyperLogLog::add(sketch, hash_of(value), more)) sketch = more;
  }
  return sketch;
}

std::vector<std::uint64_t> numbers(std::uint64_t from, std::size_t count) {
  std::vector<std::uint64_t> out(count);
  std::iota(out.begin(), out.end(), from);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sketches)

BOOST_AUTO_TEST_CASE(counts_of_different_values_are_within_four_standard_errors) {
  for (const std::size_t count : {1U, 10U, 40U, 300U, 1'500U, 5'000U, 20'000U, 300'000U}) {
    const double allowed = std::max(0.4, 4 * 0.01625 * static_cast<double>(count));
    for (std::uint64_t run = 0; run < 5; ++run) {
      const double estimate = HyperLogLog::estimate(sketch_of(numbers(run * 1'000'003, count)));
      BOOST_TEST(std::fabs(estimate - static_cast<double>(count)) <= allowed, count << " is " << estimate);
    }
  }
  BOOST_TEST(HyperLogLog::estimate("") == 0);
}

BOOST_AUTO_TEST_CASE(the_error_over_many_sketches_is_that_which_is_promised) {
  double squares = 0;
  constexpr int kRuns = 200;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const double estimate = HyperLogLog::estimate(sketch_of(numbers(run << 32, 30'000)));
    squares += std::pow(estimate / 30'000 - 1, 2);
  }
  BOOST_TEST(std::sqrt(squares / kRuns) < 0.019);
}

BOOST_AUTO_TEST_CASE(neither_order_nor_repetition_nor_merging_changes_a_sketch) {
  for (const std::size_t count : {5U, 900U, 1'200U, 30'000U}) {
    std::vector<std::uint64_t> values = numbers(0, count);
    const std::string sketch = sketch_of(values);
    std::ranges::shuffle(values, std::mt19937_64(7));
    values.insert(values.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count / 2));
    BOOST_TEST(sketch_of(values) == sketch);
    const std::string low = sketch_of(numbers(0, count / 2));
    const std::string high = sketch_of(numbers(count / 3, count - count / 3));
    BOOST_TEST(HyperLogLog::merge(low, high) == sketch);
    BOOST_TEST(HyperLogLog::merge(high, low) == sketch);
    BOOST_TEST(HyperLogLog::merge("", sketch) == sketch);
    BOOST_TEST(HyperLogLog::merge(sketch, "") == sketch);
    BOOST_TEST(sketch.size() <= HyperLogLog::kRegisters);
  }
}

BOOST_AUTO_TEST_CASE(a_bucket_is_within_one_percent_of_its_numbers_and_rises_with_them) {
  std::mt19937_64 random(3);
  std::vector<double> values = {std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max(), 1e-5, 1};
  for (int i = 0; i < 10'000; ++i)
    values.push_back(
        std::ldexp(1 + static_cast<double>(random() % 1000) / 1000, static_cast<int>(random() % 2000) - 1000));
  for (const double value : values) {
    for (const double signed_value : {value, -value}) {
      if (value < 1e-300) continue;  // fewer digits
      BOOST_TEST(std::fabs(bucket_value(quantile_bucket(signed_value)) / signed_value - 1) <= 0.01 + 1e-9);
    }
  }
  values.insert(values.end(), {-1.0, 0.0, -1e300, HUGE_VAL, -HUGE_VAL});
  std::ranges::sort(values);
  for (std::size_t i = 1; i < values.size(); ++i)
    BOOST_TEST(quantile_bucket(values[i - 1]) <= quantile_bucket(values[i]));
  BOOST_TEST(quantile_bucket(HUGE_VAL) < quantile_bucket(NAN));
  BOOST_TEST(bucket_value(quantile_bucket(-HUGE_VAL)) == -HUGE_VAL);
  BOOST_TEST(std::isnan(bucket_value(quantile_bucket(NAN))));
}

BOOST_AUTO_TEST_CASE(quantiles_are_at_their_positions) {
  const Counted<std::int64_t> buckets = {{1, 1}, {2, 8}, {7, 1}};
  BOOST_TEST(quantile_of_buckets(buckets, 0) == 1);
  BOOST_TEST(quantile_of_buckets(buckets, 0.5) == 2);
  BOOST_TEST(quantile_of_buckets(buckets, 0.9) == 2);
  BOOST_TEST(quantile_of_buckets(buckets, 0.99) == 7);
  BOOST_TEST(quantile_of_buckets(buckets, 1) == 7);
  BOOST_TEST(median_of({{1, 1}, {2, 1}}) == 1.5);
  BOOST_TEST(median_of({{1, 2}, {2, 1}}) == 1);
  BOOST_TEST(median_of({{HUGE_VAL, 2}}) == HUGE_VAL);
}

BOOST_AUTO_TEST_CASE(squared_distances_of_the_largest_decimals_are_exact) {
  Decimal largest = 1;
  for (int i = 0; i < 37; ++i) largest *= 10;
  std::array<Decimal, kSquareParts> parts{};
  Decimal sum = 0;
  for (const Decimal value : {largest, -largest + 3, Decimal{-3}}) {
    const auto squared = square(value);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] += squared[i];
    sum += value;
  }
  BOOST_TEST((sum == 0));
  BOOST_TEST(squared_distances(sum, parts, 3) == 2e74, boost::test_tools::tolerance(1e-15));
  for (Decimal& part : parts) part = 0;
  sum = 0;
  for (const Decimal value : {largest, largest + 1, largest + 2}) {
    const auto squared = square(value);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] += squared[i];
    sum += value;
  }
  BOOST_TEST(squared_distances(sum, parts, 3) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
