#include "stages/lua/call_watch.h"

#include <boost/test/unit_test.hpp>

using namespace stream;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(lua)

BOOST_AUTO_TEST_CASE(a_call_that_does_not_return_is_told_of_once) {
  std::mutex mutex;
  std::condition_variable told;
  int times = 0;
  CallWatch watch(1ms, [&] {
    const std::lock_guard lock(mutex);
    ++times;
    told.notify_one();
  });
  for (int call = 1; call <= 2; ++call) {
    watch.begin();
    std::unique_lock lock(mutex);
    BOOST_TEST(told.wait_for(lock, 10s, [&] { return times == call; }));
    BOOST_TEST(!told.wait_for(lock, 20ms, [&] { return times > call; }));
    lock.unlock();
    watch.end();
  }
}

BOOST_AUTO_TEST_CASE(short_calls_are_not_told_of) {
  std::atomic<int> times = 0;
  {
    CallWatch watch(50ms, [&] { ++times; });
    for (int i = 0; i < 100'000; ++i) {
      watch.begin();
      watch.end();
    }
  }
  BOOST_TEST(times == 0);
}

BOOST_AUTO_TEST_SUITE_END()
