#include "stages/kit/latency_marks.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(latency_marks)

BOOST_AUTO_TEST_CASE(a_mark_is_due_now_and_then) {
  LatencyMarks marks;
  BOOST_TEST(marks.due(5, LatencyMarks::kEvery));
  BOOST_TEST(!marks.due(5 + LatencyMarks::kEvery - 1, LatencyMarks::kEvery));
  BOOST_TEST(marks.due(5 + LatencyMarks::kEvery, LatencyMarks::kEvery));
}

BOOST_AUTO_TEST_CASE(what_arrived_is_taken_once) {
  LatencyMarks marks;
  marks.arrived(100, 350);
  marks.arrived(400, 399);  // of a clock that is ahead
  const std::vector<Microseconds> wanted = {250, 0};
  BOOST_TEST(marks.take() == wanted, boost::test_tools::per_element());
  BOOST_TEST(marks.take().empty());
}

BOOST_AUTO_TEST_CASE(the_newest_are_kept) {
  LatencyMarks marks;
  for (Microseconds i = 0; i < 1000; ++i) marks.arrived(0, i);
  const std::vector<Microseconds> kept = marks.take();
  BOOST_TEST(kept.size() == LatencyMarks::kKept);
  BOOST_TEST(*std::ranges::min_element(kept) == 1000 - static_cast<Microseconds>(LatencyMarks::kKept));
}

BOOST_AUTO_TEST_SUITE_END()
