#include "supervisor/aborted_stop.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {
constexpr Microseconds kBegan = 1'000'000;
}

BOOST_AUTO_TEST_SUITE(aborted_stop)

BOOST_AUTO_TEST_CASE(it_is_hopeless_after_some_time_and_more_than_one_try) {
  AbortedStop stop;
  BOOST_TEST(!stop.hopeless(kBegan));
  stop.aborted("first", kBegan);
  BOOST_TEST(!stop.hopeless(kBegan + 10 * AbortedStop::kPatience));  // a single one took as long
  stop.aborted("second", kBegan + 100);
  BOOST_TEST(!stop.hopeless(kBegan + AbortedStop::kPatience - 1));
  BOOST_TEST(stop.hopeless(kBegan + AbortedStop::kPatience).value() == "second");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_published_begins_it_anew) {
  AbortedStop stop;
  stop.aborted("first", kBegan);
  stop.aborted("second", kBegan);
  stop.published();
  BOOST_TEST(!stop.hopeless(kBegan + AbortedStop::kPatience));
  stop.aborted("third", kBegan + AbortedStop::kPatience);
  stop.aborted("fourth", kBegan + AbortedStop::kPatience);
  BOOST_TEST(!stop.hopeless(kBegan + 2 * AbortedStop::kPatience - 1));
  BOOST_TEST(stop.hopeless(kBegan + 2 * AbortedStop::kPatience).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
