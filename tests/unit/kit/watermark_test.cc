#include "stages/kit/watermark.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

Column times(std::initializer_list<std::int64_t> values) {
  ColumnBuilder column(kTimestamp);
  for (const std::int64_t value : values) column.append(value);
  return column.finish();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(watermark)

BOOST_AUTO_TEST_CASE(the_slowest_channel_holds_the_watermark) {
  WatermarkMerger merger(2);
  BOOST_TEST(!merger.update(0, 100, false));
  BOOST_TEST(merger.merged() == kNoWatermark);
  BOOST_TEST(merger.update(1, 50, false));
  BOOST_TEST(merger.merged() == 50);
  BOOST_TEST(*merger.slowest() == 1u);
  BOOST_TEST(merger.update(1, 200, false));
  BOOST_TEST(merger.merged() == 100);
  BOOST_TEST(*merger.slowest() == 0u);
  BOOST_TEST(merger.update(0, 200, false));
  BOOST_TEST(!merger.slowest());
}

BOOST_AUTO_TEST_CASE(an_idle_channel_holds_nothing_and_never_pulls_back) {
  WatermarkMerger merger(2);
  merger.update(0, 100, false);
  merger.update(1, 10, false);
  BOOST_TEST(merger.update(1, 10, true));
  BOOST_TEST(merger.merged() == 100);
  merger.update(1, 20, false);
  BOOST_TEST(merger.merged() == 100);
  merger.update(0, 100, true);
  merger.update(1, 20, true);
  BOOST_TEST(merger.idle());
  BOOST_TEST(merger.merged() == 100);
}

BOOST_AUTO_TEST_CASE(a_restored_watermark_is_the_floor) {
  WatermarkMerger merger(1);
  merger.restore(70);
  merger.update(0, 30, false);
  BOOST_TEST(merger.merged() == 70);
}

BOOST_AUTO_TEST_CASE(a_source_runs_behind_its_newest_record) {
  WatermarkGenerator generator(5, 0);
  generator.observe(times({10, 30, 20}), {}, 0);
  BOOST_TEST(generator.watermark() == 25);
  generator.observe(times({12}), {}, 0);
  BOOST_TEST(generator.watermark() == 25);
}

BOOST_AUTO_TEST_CASE(unread_splits_hold_the_watermark_of_a_sequential_source) {
  WatermarkGenerator generator(0, 0);
  generator.observe(times({100}), {0, 1, true}, 0);
  BOOST_TEST(generator.watermark() == kNoWatermark);
  generator.observe(times({40}), {1, 0, true}, 0);
  BOOST_TEST(generator.watermark() == 40);
}

BOOST_AUTO_TEST_CASE(of_splits_read_at_once_the_slowest_that_is_not_idle_counts) {
  WatermarkGenerator generator(0, 1000);
  generator.observe(times({100}), {0, 0, false}, 0);
  generator.observe(times({40}), {1, 0, false}, 0);
  BOOST_TEST(generator.watermark() == 100);  // it had risen before the second split began
  generator.observe(times({300}), {0, 0, false}, 500);
  BOOST_TEST(generator.watermark() == 100);
  generator.advance({0, 0, false}, 1200);
  BOOST_TEST(generator.watermark() == 300);
  generator.advance({0, 0, false}, 5000);
  BOOST_TEST(generator.idle());
}

BOOST_AUTO_TEST_CASE(restored_splits_hold_the_watermark_until_they_go_on_or_are_gone) {
  WatermarkGenerator before(0, 0);
  before.observe(times({100}), {7, 0, false}, 0);
  before.observe(times({60}), {9, 0, false}, 0);
  WatermarkGenerator after(0, 0);
  for (const auto& [split, highest] : before.highest_by_split()) after.restore_split(split, highest, 0);
  after.observe(times({500}), {7, 0, false}, 1);
  BOOST_TEST(after.watermark() == 60);
  after.advance({7, 0, false}, 2, [](std::uint64_t split) { return split != 9; });
  BOOST_TEST(after.watermark() == 500);
}

BOOST_AUTO_TEST_CASE(a_file_of_which_nothing_was_read_yet_holds_everything) {
  WatermarkGenerator generator(0, 0);
  generator.observe(times({100}), {7, 1, false}, 0);
  BOOST_TEST(generator.watermark() == kNoWatermark);
}

BOOST_AUTO_TEST_CASE(a_channel_that_takes_the_place_of_another_holds_event_time_until_it_says_something) {
  WatermarkMerger merger(2);
  merger.update(0, 100, false);
  merger.update(1, 50, false);
  BOOST_TEST(merger.merged() == 50);
  merger.replace(std::vector<std::optional<std::size_t>>{std::nullopt, 0, std::nullopt});
  BOOST_TEST(merger.merged() == 50);  // it never goes back
  merger.update(1, 200, false);
  merger.update(0, 70, false);
  BOOST_TEST(merger.merged() == 50);
  merger.update(2, 60, false);
  BOOST_TEST(merger.merged() == 60);
}

BOOST_AUTO_TEST_SUITE_END()
