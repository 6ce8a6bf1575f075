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

std::vector<std::string> expired(const std::vector<SavepointRecord>& all, SavepointRules rules,
                                 const std::string& needed = "") {
  std::vector<std::string> names =
      expired_savepoints(all, rules, {"/home/a/savepoints", "/backup/a"}, needed, 10 * kHour);
  for (std::string& name : names) name = name.substr(name.rfind('/') + 1);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(savepoint_schedule)

BOOST_AUTO_TEST_CASE(the_next_is_due_on_the_grid_of_the_last) {
  BOOST_TEST(next_due({.rules = {.every_us = 10}}, 100) == 110);
  BOOST_TEST(next_due({.rules = {.every_us = 10}, .next_us = 100}, 99) == 100);
  BOOST_TEST(next_due({.rules = {.every_us = 10}, .next_us = 100}, 100) == 110);
  BOOST_TEST(next_due({.rules = {.every_us = 10}, .next_us = 100}, 137) == 140);  // what was missed is made once
  BOOST_TEST(next_due({.rules = {.every_us = 10}, .next_us = 100}, 50) == 60);    // the clock went back
  BOOST_TEST(next_due({}, 100) == 0);
}

BOOST_AUTO_TEST_CASE(what_was_missed_is_made_up_for_once) {
  SavepointTimer timer({.rules = {.every_us = 10}, .next_us = 100});
  BOOST_TEST(!timer.due(99));
  BOOST_TEST(timer.due(100));
  BOOST_TEST(timer.due(137));
  timer.begin();
  BOOST_TEST(!timer.due(138));
  timer.made(139);
  BOOST_TEST(!timer.due(139));
  BOOST_TEST(timer.due(140));
}

BOOST_AUTO_TEST_CASE(one_that_fails_is_told_once_and_made_at_the_next_time) {
  SavepointTimer timer({.rules = {.every_us = 10}, .next_us = 100});
  for (const Microseconds now : {101, 111, 121}) {
    timer.begin();
    BOOST_TEST(timer.failed("no space left for '/s/" + std::to_string(now) + "'", now) == (now == 101));
    BOOST_TEST(!timer.due(now + 8));
    BOOST_TEST(timer.due(now + 9));
  }
  timer.begin();
  BOOST_TEST(timer.failed("no such folder", 131));
  timer.begin();
  timer.made(141);
  timer.begin();
  BOOST_TEST(timer.failed("no such folder", 151));  // it is news again
}

BOOST_AUTO_TEST_CASE(without_a_checkpoint_it_stays_due_and_moves_no_grid) {
  SavepointTimer timer({.rules = {.every_us = kHour}, .next_us = kHour});
  timer.begin();
  timer.lost(kHour + 1);
  BOOST_TEST(!timer.due(kHour + 60'000'000));
  BOOST_TEST(timer.due(kHour + 60'000'001));
  timer.begin();
  timer.made(kHour + 70'000'000);
  BOOST_TEST(timer.schedule().next_us == 2 * kHour);
  SavepointTimer often({.rules = {.every_us = 1'000'000}, .next_us = 1'000'000});
  often.begin();
  often.lost(1'000'000);
  BOOST_TEST(often.due(2'000'000));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_stops_nothing) {
  SavepointTimer timer({.rules = {.every_us = 10}, .next_us = 1000});
  BOOST_TEST(timer.due(50));
  timer.begin();
  timer.made(50);
  BOOST_TEST(timer.schedule().next_us == 60);
}

BOOST_AUTO_TEST_CASE(the_last_word_holds) {
  const SavepointRules hourly{.every_us = kHour};
  const SavepointRules daily{.every_us = 24 * kHour};
  SavepointSchedule schedule = take_up({}, hourly, 5);
  BOOST_TEST((schedule.rules == hourly && schedule.next_us == kHour + 5 && !schedule.by_hand()));
  BOOST_TEST((take_up(schedule, hourly, 900) == schedule));  // it goes on
  schedule = said_by_hand(schedule, {}, 10);
  BOOST_TEST((schedule.rules == SavepointRules() && schedule.next_us == 0 && schedule.by_hand()));
  BOOST_TEST((take_up(schedule, hourly, 900) == schedule));  // the manifest says what it has always said
  schedule = take_up(schedule, daily, 20);
  BOOST_TEST((schedule.rules == daily && !schedule.by_hand()));
  schedule = take_up(schedule, {}, 30);  // nothing any more
  BOOST_TEST((schedule.rules == SavepointRules() && schedule.next_us == 0));
  schedule = said_by_hand(schedule, hourly, 40);
  BOOST_TEST((take_up(schedule, {}, 50) == schedule));  // a manifest that never spoke of it leaves it alone
}

BOOST_AUTO_TEST_CASE(other_rules_leave_the_grid_alone) {
  SavepointSchedule schedule = take_up({}, {.every_us = kHour}, 5);
  schedule = take_up(schedule, {.every_us = kHour, .keep = 3}, 7);
  BOOST_TEST(schedule.next_us == kHour + 5);
  schedule = take_up(schedule, {.every_us = 2 * kHour, .keep = 3}, 9);
  BOOST_TEST(schedule.next_us == 2 * kHour + 9);
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
  all[2].path = "/backup/a/3";
  BOOST_TEST((expired(all, {.keep = 1}) == Names{"2", "1"}));  // of those that are made in another folder, too
  BOOST_TEST((expired(all, {.keep = 1}, "/home/a/savepoints/1") == Names{"2"}));
}

BOOST_AUTO_TEST_CASE(copies_of_one_count_as_one_and_go_together) {
  std::vector<SavepointRecord> all = made_at({1, 2, 3});
  for (const std::size_t i : {0, 2}) {
    all.push_back(all[i]);
    all.back().path += ".tar.zst";
  }
  BOOST_TEST((expired(all, {.keep = 2}) == Names{"1", "1.tar.zst"}));
  BOOST_TEST((expired(all, {.keep = 1}) == Names{"2", "1", "1.tar.zst"}));
  BOOST_TEST((expired(all, {.keep = 1}, "/home/a/savepoints/1.tar.zst") == Names{"2"}));
  all[0].label = "kept";  // and so its copy
  BOOST_TEST((expired(all, {.keep = 1}) == Names{"2"}));
}

BOOST_AUTO_TEST_SUITE_END()
