#include "storage/retry.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/memory_store.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(retry)

BOOST_AUTO_TEST_CASE(pauses_double_up_to_a_bound_and_end) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Backoff backoff({.patience = 60'000'000, .first = 100'000, .most = 3'000'000}, seed);
    Microseconds spent = 0;
    Microseconds bound = 100'000;
    int tries = 0;
    while (const auto wait = backoff.next(spent)) {
      BOOST_TEST_REQUIRE(*wait >= bound / 2);
      BOOST_TEST_REQUIRE(*wait <= bound);
      bound = std::min<Microseconds>(bound * 2, 3'000'000);
      spent += *wait;
      BOOST_TEST_REQUIRE(++tries < 100);
    }
    BOOST_TEST(spent < 60'000'000);
    BOOST_TEST(spent > 50'000'000);
  }
}

BOOST_AUTO_TEST_CASE(without_patience_it_is_tried_once) {
  Backoff backoff({.patience = 0}, 1);
  BOOST_TEST(!backoff.next(0).has_value());
}

namespace {

struct Rig {
  ManualClock clock;
  MemoryStore* inner = new MemoryStore;
  std::unique_ptr<ObjectStore> store =
      make_retrying(std::unique_ptr<ObjectStore>(inner), {.patience = 2'000'000}, clock, [this](Microseconds wait) {
        clock.advance(wait);
        return true;
      });
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_not_answered_is_tried_again) {
  Rig rig;
  rig.inner->go_wrong(1, Mishap::kLostRequest, 3);
  BOOST_TEST(rig.store->put("a", "x", {}).ok());
  BOOST_TEST(rig.inner->requests() == 4);
  rig.inner->go_wrong(1, Mishap::kLostRequest, 1000);
  BOOST_TEST((rig.store->get("a", 0, 9).status().code() == Code::kSystem));
  BOOST_TEST(rig.clock.monotonic_us() < 5'000'000);
}

BOOST_AUTO_TEST_CASE(what_has_a_condition_is_tried_once) {
  Rig rig;
  rig.inner->go_wrong(1, Mishap::kLostAnswer);
  BOOST_TEST(!rig.store->put("a", "x", {.if_absent = true}).ok());
  BOOST_TEST(rig.inner->requests() == 1);
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_not_tried_again) {
  Rig rig;
  BOOST_TEST((rig.store->get("none", 0, 9).status().code() == Code::kNotFound));
  BOOST_TEST(rig.inner->requests() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
