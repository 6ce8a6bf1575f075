// For which jobs a server has a supervisor of its host stand by, and how often it tries.
#include "supervisor/http/standby_keeper.h"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace stream;
using namespace stream::http;

namespace {

constexpr Microseconds kSecond = 1'000'000;

struct Place {
  std::map<std::string, StandbyKeeper::Known> jobs;
  std::set<std::string> here;
  std::vector<std::string> did, warnings;
  Status fault, reach;
  StandbyKeeper keeper{{
      .jobs = [this]() -> Result<std::vector<std::string>> {
        if (!reach.ok()) return reach;
        std::vector<std::string> names;
        for (const auto& [name, known] : jobs) names.push_back(name);
        return names;
      },
      .supervised_here = [this](const std::string& job) { return here.contains(job); },
      .known = [this](const std::string& job) { return Result(jobs.at(job)); },
      .stand_by =
          [this](const std::string& job, const std::string& manifest) {
            did.push_back(job + " by " + manifest);
            if (fault.ok()) here.insert(job);
            return fault;
          },
      .strike =
          [this](const std::string& job) {
            did.push_back(job + " struck");
            jobs.erase(job);
            return Status();
          },
      .warn = [this](const std::string& text) { warnings.push_back(text); },
  }};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(standby_keeper)

BOOST_AUTO_TEST_CASE(what_is_led_elsewhere_gets_a_standby_once) {
  Place place;
  place.jobs = {{"begins", {}},
                {"led", {true, {}, "m"}},
                {"mine", {true, {}, "m"}},
                {"over", {true, kSecond, "m"}},
                {"old", {true, 7200 * kSecond, "m"}}};
  place.here = {"mine"};
  place.keeper.look(0);
  place.keeper.look(kSecond);
  const std::vector<std::string> wanted = {"led by m", "old struck"};
  BOOST_TEST(place.did == wanted, boost::test_tools::per_element());
  place.here.erase("led");  // its supervisor was killed
  place.keeper.look(2 * kSecond);
  BOOST_TEST(place.did.size() == 3U);
  BOOST_TEST(place.warnings.empty());
}

BOOST_AUTO_TEST_CASE(what_is_over_may_be_begun_again) {
  Place place;
  place.jobs = {{"over", {true, kSecond, "m"}}};
  place.keeper.look(0);
  place.jobs["over"].ended_for.reset();
  for (Microseconds now = kSecond; now < 5 * kSecond; now += kSecond) place.keeper.look(now);
  BOOST_TEST(place.did.size() == 1U);
  BOOST_TEST(place.here.contains("over"));
}

BOOST_AUTO_TEST_CASE(what_fails_is_tried_ever_more_rarely_and_told_once) {
  Place place;
  place.jobs = {{"led", {true, {}, "m"}}};
  place.fault = failed("no such stage");
  for (Microseconds now = 0; now < 60 * kSecond; now += kSecond / 2) place.keeper.look(now);
  BOOST_TEST(place.did.size() == 6U);  // at 0, 1, 3, 7, 15 and 31 s
  BOOST_TEST(place.warnings.size() == 1U);
  BOOST_TEST(place.warnings[0] == "does not stand by for job 'led': no such stage");
  place.fault = {};
  place.keeper.look(61 * kSecond);
  BOOST_TEST(place.here.contains("led"));
}

BOOST_AUTO_TEST_CASE(a_place_out_of_reach_is_told_once) {
  Place place;
  place.jobs = {{"led", {true, {}, "m"}}};
  place.reach = failed("gone");
  for (int i = 0; i < 3; ++i) place.keeper.look(i * kSecond);
  BOOST_TEST(place.warnings.size() == 1U);
  place.reach = {};
  place.keeper.look(4 * kSecond);
  BOOST_TEST(place.here.contains("led"));
}

BOOST_AUTO_TEST_SUITE_END()
