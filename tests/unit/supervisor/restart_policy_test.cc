#include "supervisor/restart_policy.h"

#include <boost/test/unit_test.hpp>

#include "supervisor/exit_rules.h"

using namespace stream;

namespace {

Microseconds delay_of(const RestartDecision& decision) {
  const auto* after = std::get_if<RestartAfter>(&decision);
  return after == nullptr ? -1 : after->delay;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(restart_policy)

BOOST_AUTO_TEST_CASE(none_gives_up_at_once) {
  RestartHistory history;
  RestartSpec spec;
  spec.strategy = RestartStrategy::kNone;
  BOOST_TEST(delay_of(on_failure(spec, history, 0, 0.5)) == -1);
}

BOOST_AUTO_TEST_CASE(exponential_delays_double_up_to_their_maximum_after_a_first_restart_at_once) {
  RestartHistory history;
  RestartSpec spec;
  spec.initial = 100;
  spec.max = 500;
  spec.attempts = 6;
  for (const Microseconds wanted : {0, 100, 200, 400, 500})
    BOOST_TEST(delay_of(on_failure(spec, history, 0, 0.5)) == wanted);
  BOOST_TEST(delay_of(on_failure(spec, history, 0, 0.5)) == -1);
}

BOOST_AUTO_TEST_CASE(jitter_spreads_delays_around_their_value) {
  RestartSpec spec;
  spec.initial = 1000;
  spec.jitter = 0.1;
  RestartHistory low;
  RestartHistory high;
  on_failure(spec, low, 0, 0);
  on_failure(spec, high, 0, 1);
  BOOST_TEST(delay_of(on_failure(spec, low, 0, 0)) == 900);
  BOOST_TEST(delay_of(on_failure(spec, high, 0, 1)) == 1100);
}

BOOST_AUTO_TEST_CASE(a_completed_checkpoint_starts_the_count_anew) {
  RestartHistory history;
  RestartSpec spec;
  spec.strategy = RestartStrategy::kFixedDelay;
  spec.attempts = 2;
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(delay_of(on_failure(spec, history, i, 0.5)) == spec.delay);
    on_progress(history);
  }
}

BOOST_AUTO_TEST_CASE(a_job_that_worked_starts_again_at_once) {
  RestartHistory history;
  const RestartSpec spec;
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(delay_of(on_failure(spec, history, i, 0.5)) == 0);
    on_progress(history);
  }
}

BOOST_AUTO_TEST_CASE(the_failure_rate_forgets_what_is_long_ago) {
  RestartHistory history;
  RestartSpec spec;
  spec.strategy = RestartStrategy::kFailureRate;
  spec.failures = 2;
  spec.within = 100;
  BOOST_TEST(delay_of(on_failure(spec, history, 0, 0.5)) == spec.delay);
  BOOST_TEST(delay_of(on_failure(spec, history, 90, 0.5)) == spec.delay);
  BOOST_TEST(delay_of(on_failure(spec, history, 150, 0.5)) == spec.delay);
  BOOST_TEST(delay_of(on_failure(spec, history, 160, 0.5)) == -1);
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_may_be_tried) {
  BOOST_TEST((rule_of({true, 9, 0}) == ExitRule::kRestart));
  BOOST_TEST((rule_of({false, 1, 0}) == ExitRule::kRestart));
  BOOST_TEST((rule_of({false, 111, 0}) == ExitRule::kRestart));
  BOOST_TEST((rule_of({false, 99, 0}) == ExitRule::kRestartEarlier));
  BOOST_TEST((rule_of({false, 98, 0}) == ExitRule::kNever));
  BOOST_TEST((rule_of({false, 100, 0}) == ExitRule::kNever));
}

BOOST_AUTO_TEST_SUITE_END()
