#include "stages/kit/warning_limit.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(warning_limit)

BOOST_AUTO_TEST_CASE(the_first_is_told_at_once_and_the_rest_a_second_later_or_at_the_end) {
  WarningLimit limit;
  BOOST_TEST(!limit.due(0));
  BOOST_TEST(limit.happened(5));
  BOOST_TEST(!limit.happened(10));
  BOOST_TEST(!limit.due(999'000));
  BOOST_TEST(limit.due(1'000'005));
  BOOST_TEST(!limit.due(3'000'000));
  BOOST_TEST(!limit.rest());
  BOOST_TEST(limit.happened(4'000'000));
  BOOST_TEST(!limit.happened(4'000'001));
  BOOST_TEST(limit.rest());
  BOOST_TEST(!limit.rest());
}

BOOST_AUTO_TEST_SUITE_END()
