#include "transport/base/in_parallel.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <latch>
#include <set>
#include <thread>

using namespace stream;

BOOST_AUTO_TEST_SUITE(in_parallel_work)

BOOST_AUTO_TEST_CASE(each_is_done_once_whatever_the_number_of_threads) {
  for (const std::size_t threads : {1U, 2U, 5U, 200U}) {
    std::vector<std::atomic<int>> done(100);
    const Status all = in_parallel(done.size(), threads, [&](std::size_t i) {
      ++done[i];
      return Status();
    });
    BOOST_TEST(all.ok());
    for (const auto& one : done) BOOST_TEST(one == 1);
  }
  BOOST_TEST(in_parallel(0, 4, [](std::size_t) { return failed("of nothing"); }).ok());
}

BOOST_AUTO_TEST_CASE(two_are_at_work_at_once) {
  std::latch both(2);
  BOOST_TEST(in_parallel(2, 2, [&](std::size_t) {
               both.arrive_and_wait();
               return Status();
             }).ok());
}

BOOST_AUTO_TEST_CASE(an_error_ends_it_and_the_first_is_told) {
  std::set<std::size_t> begun;
  const Status alone = in_parallel(10, 1, [&](std::size_t i) {
    begun.insert(i);
    return i == 3 ? failed("third") : Status();
  });
  BOOST_TEST(alone.what() == "third");
  BOOST_TEST(begun.size() == 4u);
  std::latch both(2);
  const Status two = in_parallel(2, 2, [&](std::size_t i) {
    both.arrive_and_wait();
    return failed(std::to_string(i));
  });
  BOOST_TEST(two.what() == "0");
}

BOOST_AUTO_TEST_SUITE_END()
