#include "stages/kit/channel_watermarks.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

Column times(std::initializer_list<std::int64_t> values) {
  ColumnBuilder builder(kTimestamp);
  for (const std::int64_t value : values) builder.append(value);
  return builder.finish();
}

ChannelWatermarks made(std::size_t channels, Microseconds idle = 0, std::uint32_t instance = 0) {
  ChannelWatermarks out(instance, channels, WatermarkGenerator(10, idle));
  out.start(0);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(channel_watermarks)

BOOST_AUTO_TEST_CASE(the_slowest_channel_counts_and_one_that_is_silent_holds) {
  ChannelWatermarks two = made(2);
  two.observe(0, times({1000}), 1);
  BOOST_TEST(two.watermark() == kNoWatermark);
  two.observe(1, times({50, 40}), 1);
  BOOST_TEST(two.watermark() == 40);
  two.observe(1, times({2000}), 1);
  BOOST_TEST(two.watermark() == 990);
}

BOOST_AUTO_TEST_CASE(a_channel_that_has_ended_holds_nothing) {
  ChannelWatermarks two = made(2);
  two.observe(0, times({1000}), 1);
  two.close(1, 2);
  two.advance(2);
  BOOST_TEST(two.watermark() == 990);
}

BOOST_AUTO_TEST_CASE(an_idle_channel_holds_nothing_until_it_wakes) {
  ChannelWatermarks two = made(2, 100);
  two.observe(0, times({1000}), 50);
  BOOST_TEST(two.idle_due(50).value() == 100);
  two.advance(100);
  BOOST_TEST(two.watermark() == 990);
  BOOST_TEST(!two.idle());
  two.advance(150);
  BOOST_TEST(two.idle());
  two.observe(1, times({5}), 160);
  BOOST_TEST(two.watermark() == 990);  // never back
  BOOST_TEST(!two.idle());
}

BOOST_AUTO_TEST_CASE(each_channel_goes_on_where_it_was) {
  ChannelWatermarks before = made(2, 0, 3);
  before.observe(0, times({1000}), 1);
  before.observe(1, times({50}), 1);
  auto kept = before.highest();
  ChannelWatermarks other = made(2, 0, 4);
  other.observe(0, times({20}), 1);
  kept.merge(other.highest());
  ChannelWatermarks same = made(2, 0, 3);
  same.restore(40, kept, true, 0);
  same.observe(1, times({900}), 1);
  BOOST_TEST(same.watermark() == 890);
}

// Other channels bring other rows: only what was sure for all of them is.
BOOST_AUTO_TEST_CASE(after_a_rescale_no_channel_is_ahead_of_the_slowest) {
  ChannelWatermarks before = made(2);
  before.observe(0, times({1000}), 1);
  before.observe(1, times({50}), 1);
  for (const auto& [channels, as_before] : {std::pair<std::size_t, bool>{1, true}, {2, false}, {3, true}}) {
    ChannelWatermarks after = made(channels);
    after.restore(40, before.highest(), as_before, 0);
    BOOST_TEST(after.watermark() == 40);
    after.advance(1);
    BOOST_TEST(after.watermark() == 40);
    for (std::size_t channel = 0; channel < channels; ++channel) after.observe(channel, times({600}), 1);
    BOOST_TEST(after.watermark() == 590);
  }
}

BOOST_AUTO_TEST_SUITE_END()
