#include <boost/test/unit_test.hpp>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/election.h"

using namespace stream;
using namespace stream::ha;

namespace {

constexpr Microseconds kLease = 1000;

Term led(std::uint64_t number) {
  Term term;
  term.number = number;
  return term;
}

Pulse beating(std::uint64_t beats) { return {beats, false, false}; }

const Pulse kVouched{0, true, false};
const Pulse kGone{0, false, true};

}  // namespace

BOOST_AUTO_TEST_SUITE(election)

BOOST_AUTO_TEST_CASE(what_nobody_leads_is_led) {
  BOOST_TEST((Standby(kLease).look(Term(), Pulse(), 5) == Wish::kLead));
}

BOOST_AUTO_TEST_CASE(a_leader_that_shows_itself_is_waited_for_however_long) {
  Standby standby(kLease);
  for (Microseconds now = 0; now < 100 * kLease; now += kLease - 1)
    BOOST_TEST((standby.look(led(3), beating(static_cast<std::uint64_t>(now)), now) == Wish::kWait));
}

BOOST_AUTO_TEST_CASE(silence_of_a_lease_is_enough_and_less_is_not) {
  Standby standby(kLease);
  BOOST_TEST((standby.look(led(3), beating(7), 10) == Wish::kWait));  // whenever that was shown
  BOOST_TEST((standby.look(led(3), beating(7), 10 + kLease - 1) == Wish::kWait));
  BOOST_TEST((standby.look(led(3), beating(7), 10 + kLease) == Wish::kLead));
}

BOOST_AUTO_TEST_CASE(another_term_begins_the_silence_anew) {
  Standby standby(kLease);
  (void)standby.look(led(3), beating(7), 0);
  BOOST_TEST((standby.look(led(4), beating(7), kLease) == Wish::kWait));
  BOOST_TEST((standby.look(led(4), beating(7), 2 * kLease) == Wish::kLead));
}

BOOST_AUTO_TEST_CASE(who_is_vouched_for_lives_and_who_is_gone_is_not_waited_for) {
  Standby standby(kLease);
  BOOST_TEST((standby.look(led(3), kVouched, 0) == Wish::kWait));
  BOOST_TEST((standby.look(led(3), kVouched, 10 * kLease) == Wish::kWait));
  BOOST_TEST((standby.look(led(3), kGone, 10 * kLease + 1) == Wish::kLead));
}

BOOST_AUTO_TEST_CASE(a_leader_may_have_a_longer_lease_and_a_blind_look_is_no_silence) {
  Standby standby(kLease);
  Term term = led(3);
  term.lease_us = 3 * kLease;
  (void)standby.look(term, beating(7), 0);
  BOOST_TEST((standby.look(term, beating(7), 3 * kLease - 1) == Wish::kWait));
  standby.saw_nothing();
  BOOST_TEST((standby.look(term, beating(7), 3 * kLease) == Wish::kWait));
  BOOST_TEST(!standby.has_seen_life());
  BOOST_TEST((standby.look(term, beating(7), 6 * kLease) == Wish::kLead));
  (void)standby.look(term, beating(8), 6 * kLease);
  BOOST_TEST(standby.has_seen_life());
}

BOOST_AUTO_TEST_CASE(what_is_over_is_over) {
  Term term = led(3);
  term.ended = Ended{"FINISHED", "", 1};
  BOOST_TEST((Standby(kLease).look(term, kGone, 9) == Wish::kEnded));
}

BOOST_AUTO_TEST_CASE(a_reign_lasts_a_lease_from_when_life_began_to_be_shown) {
  Reign reign(3, kLease, 0);
  BOOST_TEST(!reign.over(kLease - 1));
  BOOST_TEST(reign.over(kLease));
  reign.shown(500);
  BOOST_TEST(!reign.over(500 + kLease - 1));
  BOOST_TEST(reign.over(500 + kLease));
}

BOOST_AUTO_TEST_CASE(another_term_ends_a_reign_for_good) {
  Reign reign(3, kLease, 0);
  reign.read(led(3));
  BOOST_TEST(!reign.over(1));
  reign.read(led(4));
  reign.read(led(3));
  reign.shown(1);
  BOOST_TEST(reign.over(1));
}

BOOST_AUTO_TEST_CASE(terms_are_kept_as_text) {
  Term term = led(12);
  term.leader = {"id", "host", 4711, "/home/job", "127.0.0.1:80"};
  term.run = "run";
  term.published = 17;
  term.reserved = 65;
  BOOST_TEST((*term_of(to_text(term)) == term));
  term.ended = Ended{"FAILED", "why \xff", 5};
  BOOST_TEST(term_of(to_text(term))->ended->state == "FAILED");
  BOOST_TEST((*term_of("") == Term()));
  BOOST_TEST((term_of("{").status().code() == Code::kCorrupt));
  BOOST_TEST((term_of("{\"format\": 2}").status().what().find("later version") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(places) {
  const auto file = parse_place("file:///a/b/?lease=300ms");
  BOOST_REQUIRE(file.ok());
  BOOST_TEST(file->path == "/a/b");
  BOOST_TEST(file->lease == 300'000);
  const auto ensemble = parse_place("zookeeper://a,b:2182/x");
  BOOST_REQUIRE(ensemble.ok());
  BOOST_TEST(ensemble->hosts == "a,b:2182");
  BOOST_TEST(ensemble->path == "/x");
  BOOST_TEST(parse_place("zookeeper://b:2182,a/x?lease=9s")->identity() == "zookeeper://a,b:2182/x");
  for (const char* wrong :
       {"", "/a", "file://a/b", "file:/a", "zookeeper:///x", "zookeeper://a", "s3://a/b", "file:///a?lease=1h",
        "file:///a?leese=1s", "file:///a?lease", "file:///a?deployment=", "file:///a?token-file=/t"})
    BOOST_TEST((parse_place(wrong).status().code() == Code::kUsage), wrong);
}

BOOST_AUTO_TEST_CASE(places_of_kubernetes) {
  const auto own = parse_place("kubernetes:///?lease=3s");
  BOOST_REQUIRE(own.ok());
  BOOST_TEST(own->hosts == "");
  BOOST_TEST(own->path == "/");
  BOOST_TEST(own->lease == 3'000'000);
  const auto far = parse_place("kubernetes://[::1]:6443/jobs?token-file=/t&ca-file=/c&lease=9s");
  BOOST_REQUIRE(far.ok());
  BOOST_TEST(far->hosts == "[::1]:6443");
  BOOST_TEST(far->path == "/jobs");
  BOOST_TEST(parse_place("file:///a?deployment=d1&lease=1s")->deployment == "d1");
  BOOST_TEST(far->options.at("token-file") == "/t");
  BOOST_TEST(far->options.at("ca-file") == "/c");
  BOOST_TEST(parse_place("kubernetes://a:1/jobs?cert-file=/c&key-file=/k").ok());
  for (const char* wrong : {"kubernetes:", "kubernetes://a:1", "kubernetes://a:1/?token-file=/t",
                            "kubernetes://a:1/jobs", "kubernetes:///a/b", "kubernetes://a:1/jobs?cert-file=/c",
                            "kubernetes://a:1/jobs?token-file=t", "kubernetes:///jobs?token=abc"})
    BOOST_TEST((parse_place(wrong).status().code() == Code::kUsage), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
