#include "stages/kit/progress.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(an_instance_without_event_time_has_no_state) {
  StateStore store;
  Progress progress(store, 0);
  progress.save({});
  BOOST_TEST(store.rows() == 0u);
  progress.save({7, false});
  BOOST_TEST(store.rows() == 1u);
  progress.save({});
  BOOST_TEST(progress.load(1).watermark == INT64_MIN);
}

BOOST_AUTO_TEST_CASE(the_lowest_of_several_old_instances_holds) {
  StateStore store;
  Progress(store, 0).save({7, true});
  Progress(store, 1).save({5, false});
  const Progress::Value lowest = Progress(store, 0).load(2);
  BOOST_TEST(lowest.watermark == 5);
  BOOST_TEST(!lowest.ended);
  BOOST_TEST(store.rows() == 1u);
}

BOOST_AUTO_TEST_CASE(an_old_instance_that_left_nothing_had_reached_nothing) {
  StateStore store;
  Progress(store, 0).save({7, true});
  const Progress::Value lowest = Progress(store, 0).load(2);
  BOOST_TEST(lowest.watermark == INT64_MIN);
  BOOST_TEST(!lowest.ended);
}

BOOST_AUTO_TEST_SUITE_END()
