#include "stages/replay/recording.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(recording)

BOOST_AUTO_TEST_CASE(a_line_is_a_row_a_text_or_a_watermark) {
  const auto row = read_recorded_line(R"({"a":1.50})");
  BOOST_TEST(row->text == R"({"a":1.50})");
  BOOST_TEST(!row->says_change);
  const auto change = read_recorded_line(R"({"_op":"-U","a":1})");
  BOOST_TEST(change->text == R"({"a":1})");
  BOOST_TEST((change->change == RowKind::kUpdateBefore));
  BOOST_TEST(read_recorded_line(R"({"_op":"-D"})")->text == "{}");
  const auto text = read_recorded_line(R"({"_text":"a,\"b\""})");
  BOOST_TEST((text->kind == RecordedLine::Kind::kText));
  BOOST_TEST(text->text == "a,\"b\"");
  const auto watermark = read_recorded_line(R"({"_watermark":"1970-01-01T00:00:01Z"})");
  BOOST_TEST((watermark->kind == RecordedLine::Kind::kWatermark));
  BOOST_TEST(watermark->watermark == 1'000'000);
  // Columns may be called so too.
  BOOST_TEST((read_recorded_line(R"({"_text":"a","b":1})")->kind == RecordedLine::Kind::kRow));
  BOOST_TEST(!read_recorded_line(R"({"_op":"+X","a":1})").ok());
  BOOST_TEST(!read_recorded_line(R"({"_watermark":"noon"})").ok());
}

BOOST_AUTO_TEST_CASE(a_recording_goes_on_where_it_stood) {
  Recording first("a\n\n b \nc");
  BOOST_TEST(*first.next() == "a");
  BOOST_TEST(*first.next() == "b");
  BOOST_TEST(first.line() == 3u);
  Recording again("a\n\n b \nc");
  again.go_to(first.offset());
  BOOST_TEST(*again.next() == "c");
  BOOST_TEST(again.line() == 4u);
  BOOST_TEST(!again.next());
  BOOST_TEST(!again.next());
}

BOOST_AUTO_TEST_SUITE_END()
