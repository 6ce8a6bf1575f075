#include "supervisor/alignment.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

const InstanceIndex kA(0);
const InstanceIndex kB(3);

Alignment two() {
  Alignment alignment(100);
  alignment.add(kA);
  alignment.add(kB);
  return alignment;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(alignment)

BOOST_AUTO_TEST_CASE(nobody_goes_on_before_all_have_said_where_they_are) {
  Alignment alignment = two();
  BOOST_TEST(!alignment.limit().has_value());
  alignment.observe(kA, {500});
  BOOST_TEST(!alignment.limit().has_value());
  BOOST_TEST((alignment.slowest() == kB));
  alignment.observe(kB, {900});
  BOOST_TEST(alignment.limit().value() == 600);
  BOOST_TEST((alignment.slowest() == kA));
}

BOOST_AUTO_TEST_CASE(the_limit_follows_the_slowest) {
  Alignment alignment = two();
  alignment.observe(kA, {-500});
  alignment.observe(kB, {900});
  BOOST_TEST(alignment.news().value() == -400);
  BOOST_TEST(!alignment.news().has_value());  // said already
  alignment.observe(kA, {880});
  BOOST_TEST(alignment.news().value() == 980);
  alignment.observe(kA, {2000});
  BOOST_TEST(alignment.news().value() == 1000);
}

BOOST_AUTO_TEST_CASE(who_is_idle_or_has_ended_holds_nobody) {
  for (const bool ended : {false, true}) {
    Alignment alignment = two();
    alignment.observe(kA, {500});
    alignment.observe(kB, {INT64_MIN, !ended, ended});
    BOOST_TEST(alignment.limit().value() == 600);
    alignment.observe(kA, {500, !ended, ended});
    BOOST_TEST(alignment.limit().value() == INT64_MAX);
    BOOST_TEST(!alignment.slowest().has_value());
  }
}

BOOST_AUTO_TEST_CASE(one_that_wakes_with_old_records_holds_again) {
  Alignment alignment = two();
  alignment.observe(kA, {500, true});
  alignment.observe(kB, {5000});
  BOOST_TEST(alignment.news().value() == 5100);
  alignment.observe(kA, {510});
  BOOST_TEST(alignment.news().value() == 610);
}

BOOST_AUTO_TEST_CASE(others_than_sources_are_not_asked) {
  Alignment alignment = two();
  alignment.observe(kA, {500});
  alignment.observe(kB, {500});
  alignment.observe(InstanceIndex(7), {0});
  BOOST_TEST(alignment.limit().value() == 600);
  BOOST_TEST(!Alignment(100).limit().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
