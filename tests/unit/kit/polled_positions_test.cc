#include "stages/kit/polled_positions.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(polled_positions)

BOOST_AUTO_TEST_CASE(any_bytes_are_a_position) {
  StateStore store({0, 1, 64, true});
  PolledPositions positions(store);
  BOOST_TEST(positions.load("t")->empty());
  const std::vector<std::string> after = {"i42", "", std::string("t\0\"\n", 4), "t\xff\x00", "t\xc3\xa4"};
  positions.store("t", after);
  BOOST_TEST(*positions.load("t") == after, boost::test_tools::per_element());
  positions.store("t", {});  // nothing new
  BOOST_TEST(positions.load("t")->size() == after.size());
  BOOST_TEST(positions.load("u")->empty());
}

BOOST_AUTO_TEST_SUITE_END()
