#include <boost/test/unit_test.hpp>

#include "supervisor/savepoint_schedule.h"

using namespace stream;

namespace {

constexpr Microseconds kHour = 3'600'000'000;

// Made at these hours, in the job's own folder.
std::vector<SavepointRecord> made_at(std::initializer_list<int> hours) {
  std::vector<SavepointRecord> all;
  for (const int hour : hours) {
    SavepointRecord record;
    record.epoch = static_cast<std::uint64_t>(hour);
    record.path = "/home/a/savepoints/" + std::to_string(hour);
    record.created_us = hour * kHour;
    all.push_back(record);
  }
  return all;
}

std::vector<std::string> expired(const std::vector<SavepointRecord>& all, SavepointSchedule rules,
                                 const std::string& needed = "") {
  std::vector<std::string> names = expired_savepoints(all, rules, "/home/a/savepoints", needed, 10 * kHour);
  for (std::string& name : names) name = name.substr(name.rfind('/') + 1);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(savepoint_schedule)

BOOST_AUTO_TEST_CASE(the_next_is_due_on_the_grid_of_the_last) {
  BOOST_TEST(next_due({.every_us = 10}, 100) == 110);
  BOOST_TEST(next_due({.every_us = 10, .next_us = 100}, 99) == 100);
  BOOST_TEST(next_due({.every_us = 10, .next_us = 100}, 100) == 110);
  BOOST_TEST(next_due({.every_us = 10, .next_us = 100}, 137) == 140);  // what was missed is made once
  BOOST_TEST(next_due({}, 100) == 0);
}

BOOST_AUTO_TEST_CASE(one_that_failed_is_tried_again_soon) {
  BOOST_TEST(next_try({.every_us = kHour}, 0) == 60'000'000);
  BOOST_TEST(next_try({.every_us = 1'000'000}, 0) == 1'000'000);
}

BOOST_AUTO_TEST_CASE(without_rules_everything_stays) { BOOST_TEST(expired(made_at({1, 2, 3}), {}).empty()); }

BOOST_AUTO_TEST_CASE(the_oldest_go_by_count_and_by_age_but_never_the_newest) {
  BOOST_TEST((expired(made_at({1, 2, 3, 4}), {.keep = 2}) == Names{"2", "1"}));
  BOOST_TEST((expired(made_at({4, 1, 3, 2}), {.keep = 2}) == Names{"2", "1"}));
  BOOST_TEST((expired(made_at({1, 2, 9}), {.keep_for_us = 8 * kHour}) == Names{"1"}));
  BOOST_TEST((expired(made_at({1, 2}), {.keep_for_us = kHour}) == Names{"1"}));
  BOOST_TEST((expired(made_at({1, 2, 9}), {.keep = 1, .keep_for_us = 8 * kHour}) == Names{"2", "1"}));
}

BOOST_AUTO_TEST_CASE(what_somebody_has_named_or_placed_stays_and_takes_nobodys_place) {
  std::vector<SavepointRecord> all = made_at({1, 2, 3, 4, 5, 6});
  all[5].label = "kept";
  all[4].note = "kept";
  all[3].path = "/elsewhere/4";
  BOOST_TEST((expired(all, {.keep = 1}) == Names{"2", "1"}));
  BOOST_TEST((expired(all, {.keep = 1}, "/home/a/savepoints/1") == Names{"2"}));
}

BOOST_AUTO_TEST_SUITE_END()
