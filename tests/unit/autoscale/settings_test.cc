#include "supervisor/autoscale/settings.h"

#include <boost/test/unit_test.hpp>

using namespace stream;
using namespace stream::autoscale;

namespace {

constexpr Microseconds kMinute = 60'000'000;
constexpr Microseconds kDay = 24 * 60 * kMinute;
// 2024-01-01 was a Monday.
constexpr Microseconds kMonday = 19'723 * kDay;

Period period(const std::string& text) {
  auto parsed = parse_period(text);
  BOOST_TEST_REQUIRE(parsed.ok(), parsed.status().what());
  return *parsed;
}

bool holds(const std::string& text, int day, int hour, int minute = 0) {
  return period(text).holds(kMonday + day * kDay + (hour * 60 + minute) * kMinute);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(a_period_of_every_day) {
  for (int day = 0; day < 7; ++day) {
    BOOST_TEST(!holds("09:00-17:30", day, 8, 59));
    BOOST_TEST(holds("09:00-17:30", day, 9));
    BOOST_TEST(holds("09:00-17:30", day, 17, 29));
    BOOST_TEST(!holds("09:00-17:30", day, 17, 30));
  }
}

BOOST_AUTO_TEST_CASE(days_are_ranges_or_lists) {
  BOOST_TEST(holds("mon-fri 00:00-24:00", 0, 12));
  BOOST_TEST(holds("mon-fri 00:00-24:00", 4, 12));
  BOOST_TEST(!holds("mon-fri 00:00-24:00", 5, 12));
  BOOST_TEST(holds("fri-mon 00:00-24:00", 6, 12));
  BOOST_TEST(!holds("fri-mon 00:00-24:00", 2, 12));
  BOOST_TEST(holds("tue,sun 00:00-24:00", 1, 12));
  BOOST_TEST(!holds("tue,sun 00:00-24:00", 2, 12));
}

BOOST_AUTO_TEST_CASE(over_midnight_it_belongs_to_the_day_it_begins_on) {
  BOOST_TEST(holds("sat 22:00-06:00", 5, 23));
  BOOST_TEST(holds("sat 22:00-06:00", 6, 5, 59));
  BOOST_TEST(!holds("sat 22:00-06:00", 6, 6));
  BOOST_TEST(!holds("sat 22:00-06:00", 5, 5));
}

BOOST_AUTO_TEST_CASE(what_is_no_period) {
  for (const char* text :
       {"", "9", "09:00", "09:00-", "09:00-09:00", "25:00-26:00", "09:60-10:00", "09:0-10:00", "day 09:00-10:00",
        "mon-fri-sat 09:00-10:00", "mon- 09:00-10:00", "09:00-10:00-11:00", "mon-fri  09:00", "-1:00-02:00"})
    BOOST_TEST(!parse_period(text).ok(), text);
}

BOOST_AUTO_TEST_SUITE_END()
