#include <boost/test/unit_test.hpp>

#include "stages/format/time_format.h"
#include "stages/format/timestamp.h"
#include "stages/format/zone.h"

using namespace stream;
using namespace stream::format;

namespace {

std::string printed(std::int64_t instant) {
  char text[kTimestampSize];
  return {text, print_timestamp(text, instant)};
}

// The instant as text, or "bad", with "?" behind it if it was ambiguous.
std::string read(std::string_view text, const Zone* zone = nullptr) {
  std::int64_t instant = 0;
  std::uint64_t ambiguous = 0;
  if (!parse_rfc3339(text, zone, instant, ambiguous)) return "bad";
  return printed(instant) + (ambiguous != 0 ? "?" : "");
}

std::string read_by(std::string_view format, std::string_view text, const Zone* zone = nullptr) {
  std::int64_t instant = 0;
  std::uint64_t ambiguous = 0;
  const auto made = *TimeFormat::parse(format);
  return made->read(text, zone, instant, ambiguous) ? printed(instant) : "bad";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timestamps)

BOOST_AUTO_TEST_CASE(days_and_dates_are_inverse_over_all_years) {
  std::int64_t days = days_of(-400, 1, 1);
  for (std::int64_t year = -400; year <= 10'400; ++year) {
    for (unsigned month = 1; month <= 12; ++month) {
      BOOST_REQUIRE(days_of(year, month, 1) == days);
      for (const unsigned day : {1U, days_in_month(year, month)}) {
        const Civil date = civil_of(days + day - 1);
        BOOST_REQUIRE((date.year == year && date.month == month && date.day == day));
      }
      days += days_in_month(year, month);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_day_of_the_readable_years_is_read_back) {
  char text[kTimestampSize];
  for (std::int64_t day = days_of(0, 1, 1); day <= days_of(9999, 12, 31); day += 3) {
    const std::int64_t instant = day * 86'400'000'000 + 86'399'999'999;
    const char* end = print_timestamp(text, instant);
    std::int64_t back = 0;
    std::uint64_t ambiguous = 0;
    BOOST_REQUIRE(parse_rfc3339({text, static_cast<std::size_t>(end - text)}, nullptr, back, ambiguous));
    BOOST_REQUIRE(back == instant);
  }
}

BOOST_AUTO_TEST_CASE(the_forms_of_iso_8601_are_read) {
  for (const char* text : {"2024-02-29T10:11:12Z", "2024-02-29 10:11:12", "2024-02-29t10:11:12z",
                           "2024-02-29T12:11:12+02:00", "2024-02-29T12:11:12+0200", "2024-02-29T12:11:12+02",
                           "2024-02-29T08:41:12-01:30", "2024-02-29T10:11:12.000Z", "2024-02-29T10:11:12,0Z"}) {
    BOOST_TEST(read(text) == "2024-02-29T10:11:12Z", text);
  }
  BOOST_TEST(read("2024-02-29T10:11Z") == "2024-02-29T10:11:00Z");
  BOOST_TEST(read("2024-02-29") == "2024-02-29T00:00:00Z");
  BOOST_TEST(read("2024-02-29T23:59:60Z") == "2024-03-01T00:00:00Z");
  BOOST_TEST(read("1969-12-31T23:59:59.999999999Z") == "1969-12-31T23:59:59.999999Z");
  BOOST_TEST(read("2024-01-01T00:00:00.1") == "2024-01-01T00:00:00.1Z");
  BOOST_TEST(read("2024-01-01T00:00:00.123456789Z") == "2024-01-01T00:00:00.123456Z");
}

BOOST_AUTO_TEST_CASE(anything_else_is_bad) {
  for (const char* text : {"",
                           "2024",
                           "2024-02-30",
                           "2023-02-29",
                           "2024-13-01",
                           "2024-00-01",
                           "2024-01-00",
                           "2024-01-32",
                           "2024-02-29T24:00:00Z",
                           "2024-02-29T10:60:00Z",
                           "2024-02-29T10:11:61Z",
                           "2024-02-29T10:11:12.Z",
                           "2024-02-29T10:11:12+24:00",
                           "2024-02-29T10:11:12+2",
                           "2024-02-29T10:11:12Zx",
                           "2024-02-29T10:11:12 Z",
                           "2024-02-29X10:11:12",
                           "2024/02/29 10:11:12",
                           "24-02-29T10:11:12Z",
                           "2024-02-29T1:11:12Z",
                           "2024-02-29T10:11:1Z",
                           "2024-02-29T10:11:",
                           "2024-2-29T10:11:12Z",
                           "+024-02-29T10:11:12Z"}) {
    BOOST_TEST(read(text) == "bad", text);
  }
}

BOOST_AUTO_TEST_CASE(every_single_changed_byte_is_noticed_or_reads_as_another_time) {
  const std::string good = "2024-02-29T10:11:12.5+02:00";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[i] = static_cast<char>(c);
      if (text != good && read(text) == read(good)) {
        const bool same_meaning = (i == 10 && (c == ' ' || c == 't')) || (i == 19 && c == ',');
        BOOST_TEST(same_meaning, text);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_cut_to_microseconds_towards_the_past) {
  const auto number = [](std::string_view text, TimeUnit unit) {
    std::int64_t instant = 0;
    return parse_time_number(text, unit, instant) ? instant : -12345;
  };
  BOOST_TEST(number("1.5", TimeUnit::kSeconds) == 1'500'000);
  BOOST_TEST(number("1700000000123", TimeUnit::kMilliseconds) == 1'700'000'000'123'000);
  BOOST_TEST(number("1999", TimeUnit::kNanoseconds) == 1);
  BOOST_TEST(number("-1", TimeUnit::kNanoseconds) == -1);
  BOOST_TEST(number("0.0000019", TimeUnit::kSeconds) == 1);
  for (const char* bad : {"", "-", "1.", ".5", "1e3", "x", "99999999999999999999"}) {
    BOOST_TEST(number(bad, TimeUnit::kSeconds) == -12345, bad);
  }
  BOOST_TEST(number("1", TimeUnit::kNone) == -12345);
}

BOOST_AUTO_TEST_CASE(years_that_cannot_be_read_are_printed) {
  BOOST_TEST(printed(INT64_MIN) == "-290308-12-21T19:59:05.224192Z");
  BOOST_TEST(printed(INT64_MAX) == "+294247-01-10T04:00:54.775807Z");
}

BOOST_AUTO_TEST_CASE(strptime_patterns_are_read) {
  BOOST_TEST(read_by("%d/%b/%Y:%H:%M:%S %z", "29/Feb/2024:12:11:12 +0200") == "2024-02-29T10:11:12Z");
  BOOST_TEST(read_by("%F %T.%f", "2024-02-29 10:11:12.25") == "2024-02-29T10:11:12.25Z");
  BOOST_TEST(read_by("%m/%d/%y %I:%M %p", "2/9/24 12:05 am") == "2024-02-09T00:05:00Z");
  BOOST_TEST(read_by("%A, %e %B %Y", "Thursday, 29 february 2024") == "2024-02-29T00:00:00Z");
  BOOST_TEST(read_by("%Y-%j", "2024-366") == "2024-12-31T00:00:00Z");
  BOOST_TEST(read_by("%s", "-1") == "1969-12-31T23:59:59Z");
  BOOST_TEST(read_by("%y", "69") == "1969-01-01T00:00:00Z");
  BOOST_TEST(read_by("%H%%", "10%") == "1970-01-01T10:00:00Z");
  for (const auto& [format, text] :
       {std::pair{"%Y-%j", "2023-366"}, {"%d %m", "31 02"}, {"%H", "24"}, {"%Y", "2024x"}, {"%b", "xxx"}}) {
    BOOST_TEST(read_by(format, text) == "bad", text);
  }
  BOOST_TEST(TimeFormat::parse("%d %Q").status().what() == "unknown conversion '%Q' at offset 3");
  BOOST_TEST(!TimeFormat::parse("%").ok());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(zones)

BOOST_AUTO_TEST_CASE(times_without_offset_follow_the_zone) {
  const auto berlin = *Zone::load("Europe/Berlin");
  BOOST_TEST(read("2024-01-15T12:00:00", berlin.get()) == "2024-01-15T11:00:00Z");
  BOOST_TEST(read("2024-07-15T12:00:00", berlin.get()) == "2024-07-15T10:00:00Z");
  BOOST_TEST(read("2024-07-15T12:00:00Z", berlin.get()) == "2024-07-15T12:00:00Z");
  BOOST_TEST(read("2024-07-15", berlin.get()) == "2024-07-14T22:00:00Z");
}

BOOST_AUTO_TEST_CASE(gaps_and_overlaps_take_the_earlier_instant_and_are_counted) {
  const auto berlin = *Zone::load("Europe/Berlin");
  BOOST_TEST(read("2024-03-31T01:59:59", berlin.get()) == "2024-03-31T00:59:59Z");
  BOOST_TEST(read("2024-03-31T02:30:00", berlin.get()) == "2024-03-31T00:30:00Z?");
  BOOST_TEST(read("2024-03-31T03:00:00", berlin.get()) == "2024-03-31T01:00:00Z");
  BOOST_TEST(read("2024-10-27T01:59:59", berlin.get()) == "2024-10-26T23:59:59Z");
  BOOST_TEST(read("2024-10-27T02:30:00", berlin.get()) == "2024-10-27T00:30:00Z?");
  BOOST_TEST(read("2024-10-27T03:00:00", berlin.get()) == "2024-10-27T02:00:00Z");
}

BOOST_AUTO_TEST_CASE(rules_hold_beyond_the_recorded_changes) {
  const auto berlin = *Zone::load("Europe/Berlin");
  BOOST_TEST(read("2099-07-15T12:00:00", berlin.get()) == "2099-07-15T10:00:00Z");
  BOOST_TEST(read("2099-01-15T12:00:00", berlin.get()) == "2099-01-15T11:00:00Z");
  const auto sydney = *Zone::load("Australia/Sydney");
  BOOST_TEST(read("2099-01-15T12:00:00", sydney.get()) == "2099-01-15T01:00:00Z");
  BOOST_TEST(read("2099-07-15T12:00:00", sydney.get()) == "2099-07-15T02:00:00Z");
  BOOST_TEST(read("2024-07-15T12:00:00", (*Zone::load("Asia/Kolkata")).get()) == "2024-07-15T06:30:00Z");
}

BOOST_AUTO_TEST_CASE(local_times_of_every_hour_come_back) {
  for (const char* name :
       {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"}) {
    const auto zone = *Zone::load(name);
    for (std::int64_t utc = days_of(1971, 1, 1) * 86400; utc < days_of(2060, 1, 1) * 86400; utc += 7 * 3600 + 1800) {
      const std::int64_t local = utc + zone->offset_at(utc);
      const Zone::Instant back = zone->instant_of(local);
      BOOST_REQUIRE_MESSAGE(back.utc_s == utc || (back.ambiguous && back.utc_s < utc), name << " " << utc);
    }
  }
}

BOOST_AUTO_TEST_CASE(names_that_are_none_are_refused) {
  for (const char* name : {"Europe/Atlantis", "../etc/passwd", "/etc/passwd", "zone.tab"}) {
    BOOST_TEST((Zone::load(name).status().code() == Code::kUsage), name);
  }
  BOOST_TEST(Zone::load("local").ok());
  BOOST_TEST((*Zone::load("UTC"))->is_utc());
}

BOOST_AUTO_TEST_CASE(cut_or_broken_zone_files_never_crash) {
  std::string bytes = "TZif2";
  for (std::size_t size = 0; size < 100; ++size) {
    (void)Zone::from_tzif(bytes).ok();
    bytes += static_cast<char>(size * 37);
  }
  for (const char* rule :
       {"", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "<+3", "CET-1CEST,M3.5.0,M10.5.0x"}) {
    BOOST_TEST(!parse_posix_rule(rule).ok(), rule);
  }
  BOOST_TEST(parse_posix_rule("<+0330>-3:30").ok());
}

BOOST_AUTO_TEST_SUITE_END()
