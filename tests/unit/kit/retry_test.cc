#include "stages/kit/retry.h"

#include <boost/test/unit_test.hpp>
#include <thread>

using namespace stream;

namespace {

constexpr Microseconds kForever = 3'600'000'000;

bool only_system(const Status& why) { return why.code() == Code::kSystem; }

}  // namespace

BOOST_AUTO_TEST_SUITE(retry_)

BOOST_AUTO_TEST_CASE(patience_lasts_from_the_first_failure_on) {
  Patience patience(1000);
  BOOST_TEST(!patience.failing());
  BOOST_TEST(patience.lasts(failed("away"), 5000, 5100));
  BOOST_TEST(patience.failing());
  BOOST_TEST(patience.lasts(failed("away"), 5900, 5999));
  BOOST_TEST(!patience.lasts(failed("away"), 5900, 6000));  // it would be tried too late
  BOOST_TEST(!patience.lasts(failed("away"), 6000, 6000));
}

BOOST_AUTO_TEST_CASE(a_success_begins_patience_anew) {
  Patience patience(1000);
  BOOST_TEST(patience.lasts(failed("away"), 0, 0));
  patience.succeeded();
  BOOST_TEST(!patience.failing());
  BOOST_TEST(patience.lasts(failed("away"), 2000, 2999));
}

BOOST_AUTO_TEST_CASE(what_cannot_become_right_is_not_tried_again) {
  BOOST_TEST(!Patience(1000).lasts(usage_error("no such topic"), 0, 0));
  BOOST_TEST(!Patience(1000).lasts({Code::kBadRecord, "too large"}, 0, 0));
  BOOST_TEST(Patience(1000).lasts({Code::kSystem, "refused"}, 0, 0));
  BOOST_TEST(!Patience(1000, only_system).lasts(failed("a row that breaks a constraint"), 0, 0));
}

BOOST_AUTO_TEST_CASE(it_is_tried_until_it_is_done_and_says_meanwhile_why_it_waits) {
  Trouble trouble;
  int tries = 0;
  std::vector<std::string> seen;
  const auto attempt = [&]() -> Status {
    seen.push_back(trouble.why());
    return ++tries < 3 ? failed("try " + std::to_string(tries)) : Status();
  };
  BOOST_TEST(retry(trouble, system_clock(), Patience(kForever), attempt, [] { return 1; }).ok());
  BOOST_TEST(tries == 3);
  BOOST_TEST((seen == std::vector<std::string>{"", "try 1", "try 2"}));
  BOOST_TEST(trouble.why().empty());
}

BOOST_AUTO_TEST_CASE(what_it_said_last_is_the_result_when_patience_is_over) {
  Trouble trouble;
  ManualClock clock;
  int tries = 0;
  const auto attempt = [&] {
    clock.advance(400);
    return failed("try " + std::to_string(++tries));
  };
  const Status status = retry(trouble, clock, Patience(1000), attempt, [] { return 10; });
  BOOST_TEST(status.what() == "try 4");  // at 400, 800, 1200, 1600
}

BOOST_AUTO_TEST_CASE(a_wait_is_over_at_once_when_the_process_ends) {
  Trouble trouble;
  int tries = 0;
  std::thread ends([&] {
    while (trouble.why().empty()) std::this_thread::yield();
    trouble.give_up();
  });
  const auto attempt = [&] {
    ++tries;
    return failed("nobody answers");
  };
  // Were it not cut short, the test would take an hour.
  BOOST_TEST(retry(trouble, system_clock(), Patience(2 * kForever), attempt, [] { return kForever; }).what() ==
             "nobody answers");
  ends.join();
  BOOST_TEST(tries == 1);
  BOOST_TEST(!trouble.wait("again", kForever));
}

BOOST_AUTO_TEST_SUITE_END()
