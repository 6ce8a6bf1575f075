#include "stages/kit/idle_memory.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(idle_memory)

BOOST_AUTO_TEST_CASE(memory_is_given_back_after_some_quiet_time_and_then_now_and_then) {
  IdleMemory memory;
  int given_back = 0;
  for (int call = 1; call <= 44; ++call) {
    const bool due = memory.due(call * 990, call * 1000);
    given_back += due ? 1 : 0;
    if (call < 4) BOOST_TEST(!due);
  }
  BOOST_TEST(given_back == 3);
}

BOOST_AUTO_TEST_CASE(memory_is_kept_while_there_is_work) {
  IdleMemory memory;
  for (int call = 1; call <= 100; ++call) BOOST_TEST(!memory.due(call * 900, call * 1000));
  BOOST_TEST(!memory.due(100 * 900 + 1000, 101 * 1000));  // one quiet moment is not yet a quiet time
}

BOOST_AUTO_TEST_SUITE_END()
