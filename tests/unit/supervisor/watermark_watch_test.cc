#include "supervisor/watermark_watch.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

constexpr Microseconds kSecond = 1'000'000;
const InstanceIndex kOne(1);
const InstanceIndex kTwo(2);

}  // namespace

BOOST_AUTO_TEST_SUITE(watermark_watch)

BOOST_AUTO_TEST_CASE(a_hold_of_more_than_a_minute_is_told_once) {
  WatermarkWatch watch;
  BOOST_TEST(!watch.observe(kOne, "left.0", 7, 0));
  BOOST_TEST(!watch.observe(kOne, "left.0", 7, 60 * kSecond));
  BOOST_TEST(watch.observe(kOne, "left.0", 7, 61 * kSecond));
  BOOST_TEST(!watch.observe(kOne, "left.0", 7, 200 * kSecond));
}

BOOST_AUTO_TEST_CASE(event_time_that_moves_is_not_held) {
  WatermarkWatch watch;
  for (int second = 0; second < 300; ++second) BOOST_TEST(!watch.observe(kOne, "left.0", second, second * kSecond));
}

BOOST_AUTO_TEST_CASE(another_input_begins_another_hold) {
  WatermarkWatch watch;
  BOOST_TEST(!watch.observe(kOne, "left.0", 7, 0));
  BOOST_TEST(!watch.observe(kOne, "right.0", 7, 59 * kSecond));
  BOOST_TEST(!watch.observe(kOne, "right.0", 7, 100 * kSecond));
  BOOST_TEST(watch.observe(kOne, "right.0", 7, 120 * kSecond));
  BOOST_TEST(!watch.observe(kOne, "", 7, 121 * kSecond));
  BOOST_TEST(!watch.observe(kOne, "right.0", 7, 122 * kSecond));
  BOOST_TEST(watch.observe(kOne, "right.0", 7, 183 * kSecond));
}

BOOST_AUTO_TEST_CASE(who_waits_for_nobody_is_never_told) {
  WatermarkWatch watch;
  BOOST_TEST(!watch.observe(kOne, "", 7, 0));
  BOOST_TEST(!watch.observe(kOne, "", 7, 500 * kSecond));
}

BOOST_AUTO_TEST_CASE(instances_are_watched_apart) {
  WatermarkWatch watch;
  BOOST_TEST(!watch.observe(kOne, "left.0", 7, 0));
  BOOST_TEST(!watch.observe(kTwo, "left.0", 7, 50 * kSecond));
  BOOST_TEST(watch.observe(kOne, "left.0", 7, 70 * kSecond));
  BOOST_TEST(!watch.observe(kTwo, "left.0", 7, 70 * kSecond));
}

BOOST_AUTO_TEST_SUITE_END()
