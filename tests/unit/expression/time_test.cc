#include <array>

#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

BOOST_AUTO_TEST_SUITE(time_values)

BOOST_AUTO_TEST_CASE(instants_are_read_with_offsets_and_shown_in_utc) {
  BOOST_TEST(value("timestamp '2026-01-31 12:30:05.25'") == "2026-01-31 12:30:05.25+00");
  BOOST_TEST(value("'2026-01-31T12:30:05+02:00'::timestamptz") == "2026-01-31 10:30:05+00");
  BOOST_TEST(value("'2026-01-31T12:30Z'::timestamp") == "2026-01-31 12:30:00+00");
  BOOST_TEST(value("'2026-02-30'::timestamp").starts_with("@0 '2026-02-30' is not a TIMESTAMP"));
  BOOST_TEST(value("'2026-01-01'::date - '2025-01-01'::date") == "365");
  BOOST_TEST(value("date '2026-01-01' + 31") == "2026-02-01");
  BOOST_TEST(value("to_timestamp(1.5)") == "1970-01-01 00:00:01.5+00");
  BOOST_TEST(value("make_date(2024, 2, 29)") == "2024-02-29");
  BOOST_TEST(value("make_date(2023, 2, 29)") == "ERROR date out of range");
}

BOOST_AUTO_TEST_CASE(intervals_keep_months_days_and_time_apart) {
  BOOST_TEST(value("interval '10 minutes'") == "00:10:00");
  BOOST_TEST(value("interval '1 year 2 mons 3 days 04:05:06.7'") == "1 year 2 mons 3 days 04:05:06.7");
  BOOST_TEST(value("interval '1' day") == "1 day");
  BOOST_TEST(value("interval 'P1DT2H'") == "1 day 02:00:00");
  BOOST_TEST(value("interval '1.5 hours'") == "01:30:00");
  BOOST_TEST(value("interval '-1 day 2 hours'") == "-1 days +02:00:00");
  BOOST_TEST(value("timestamp '2026-01-31' + interval '1 month'") == "2026-02-28 00:00:00+00");
  BOOST_TEST(value("timestamp '2026-03-31' - interval '1 month'") == "2026-02-28 00:00:00+00");
  BOOST_TEST(value("interval '1 hour' + timestamp '2026-01-01'") == "2026-01-01 01:00:00+00");
  BOOST_TEST(value("timestamp '2026-01-03 01:00' - timestamp '2026-01-01'") == "2 days 01:00:00");
  BOOST_TEST(value("interval '1 hour' * 2.5") == "02:30:00");
  BOOST_TEST(value("interval '1 month' / 2") == "15 days");
  BOOST_TEST(value("interval '1 month' = interval '30 days'") == "true");
  BOOST_TEST(value("- interval '1 day'") == "-1 days");
  BOOST_TEST(value("timestamp '9999-12-31' + interval '1 year'") == "ERROR timestamp out of range");
  BOOST_TEST(value("age(timestamp '2026-03-01', timestamp '2026-01-31')") == "1 mon 1 day");
}

BOOST_AUTO_TEST_CASE(fields_are_extracted) {
  const std::string ts = "timestamp '2026-01-04 13:45:30.5'";
  for (const auto& [field, expected] :
       std::vector<std::pair<const char*, const char*>>{{"year", "2026"},
                                                        {"month", "1"},
                                                        {"day", "4"},
                                                        {"hour", "13"},
                                                        {"minute", "45"},
                                                        {"second", "30.500000"},
                                                        {"dow", "0"},
                                                        {"isodow", "7"},
                                                        {"doy", "4"},
                                                        {"week", "1"},
                                                        {"isoyear", "2026"},
                                                        {"quarter", "1"},
                                                        {"century", "21"},
                                                        {"decade", "202"},
                                                        {"millennium", "3"},
                                                        {"epoch", "1767534330.500000"},
                                                        {"milliseconds", "30500.000000"},
                                                        {"microseconds", "30500000"}}) {
    BOOST_TEST_CONTEXT(field) BOOST_TEST(value(std::string("extract(") + field + " from " + ts + ")") == expected);
  }
  BOOST_TEST(value("date_part('hour', " + ts + ")") == "13");
  BOOST_TEST(value("extract(epoch from interval '1 day')") == "86400.000000");
}

BOOST_AUTO_TEST_CASE(instants_are_cut_and_binned) {
  const std::string ts = "timestamp '2026-02-18 13:45:30.5'";
  for (const auto& [unit, expected] :
       std::vector<std::pair<const char*, const char*>>{{"minute", "2026-02-18 13:45:00+00"},
                                                        {"hour", "2026-02-18 13:00:00+00"},
                                                        {"day", "2026-02-18 00:00:00+00"},
                                                        {"week", "2026-02-16 00:00:00+00"},
                                                        {"month", "2026-02-01 00:00:00+00"},
                                                        {"quarter", "2026-01-01 00:00:00+00"},
                                                        {"year", "2026-01-01 00:00:00+00"},
                                                        {"century", "2001-01-01 00:00:00+00"}}) {
    BOOST_TEST_CONTEXT(unit) BOOST_TEST(value(std::string("date_trunc('") + unit + "', " + ts + ")") == expected);
  }
  BOOST_TEST(value("date_bin('15 minutes', " + ts + ", timestamp '2026-01-01')") == "2026-02-18 13:45:00+00");
  BOOST_TEST(value("date_trunc('day', timestamp '2026-07-01 23:30', 'Europe/Berlin')") == "2026-07-01 22:00:00+00");
  BOOST_TEST(value("date_trunc('dai', " + ts + ")") == "ERROR unit of time not recognized");
}

BOOST_AUTO_TEST_CASE(time_zones_come_from_the_system) {
  BOOST_TEST(value("timestamp '2026-07-01 12:00' at time zone 'Europe/Berlin'") == "2026-07-01 14:00:00+00");
  BOOST_TEST(value("timestamp '2026-01-01 12:00' at time zone 'Europe/Berlin'") == "2026-01-01 13:00:00+00");
  BOOST_TEST(value("timestamp '2100-07-01 12:00' at time zone 'Europe/Berlin'") == "2100-07-01 14:00:00+00");
  BOOST_TEST(value("timestamp '2100-01-01 12:00' at time zone 'America/New_York'") == "2100-01-01 07:00:00+00");
  BOOST_TEST(value("timestamp '2026-01-01 12:00' at time zone 'Asia/Kolkata'") == "2026-01-01 17:30:00+00");
  BOOST_TEST(value("timestamp '2100-01-01 12:00' at time zone 'Australia/Sydney'") == "2100-01-01 23:00:00+00");
  BOOST_TEST(value("now() at time zone 'Nowhere/City'") == "ERROR time zone not recognized");
  BOOST_TEST(value("now() at time zone '../etc/passwd'") == "ERROR time zone not recognized");
}

BOOST_AUTO_TEST_CASE(to_char_tells_instants_apart_that_follow_one_another) {
  const std::string base = "timestamp '1969-12-31 23:59:58.999'";
  for (const auto& [pattern, first, second] :
       std::vector<std::array<std::string, 3>>{{"MS", "999", "000"},
                                               {"SS", "58", "59"},
                                               {"SSSS", "86398", "86399"},
                                               {"HH24:MI:SS.US", "23:59:58.999000", "23:59:59.000000"},
                                               {"YYYY", "1969", "1969"}}) {
    BOOST_TEST(value("to_char(" + base + ", '" + pattern + "')") == first);
    BOOST_TEST(value("to_char(" + base + " + interval '1 millisecond', '" + pattern + "')") == second);
  }
  for (const std::string pattern : {"MI", "HH24", "AM", "DD", "MM", "YYYY"}) {
    const auto in = [&](const std::string& later) {
      return value("to_char(" + base + " + interval '" + later + "', '" + pattern + "')");
    };
    BOOST_TEST(in("1 second") == in("0 seconds"));
    BOOST_TEST(in("1001 milliseconds") != in("1 second"));
  }
  BOOST_TEST(value("to_char(timestamp '0001-01-01 00:00:00', 'YYYY-MM-DD HH24')") == "0001-01-01 00");
}

BOOST_AUTO_TEST_CASE(to_char_writes_patterns) {
  const std::string ts = "timestamp '2026-02-08 03:05:09.012345'";
  BOOST_TEST(value("to_char(" + ts + ", 'YYYY-MM-DD HH24:MI:SS.MS US')") == "2026-02-08 03:05:09.012 012345");
  BOOST_TEST(value("to_char(" + ts + ", 'FMDay, DD Mon YYYY HH12:MI AM')") == "Sunday, 08 Feb 2026 03:05 AM");
  BOOST_TEST(value("to_char(" + ts + ", 'FMMonth FMDD \"of\" IYYY-IW Q DDD')") == "February 8 of 2026-06 1 039");
  BOOST_TEST(value("to_char(" + ts + ", 'Month|')") == "February |");
}

BOOST_AUTO_TEST_CASE(literals_take_the_type_of_the_other_side) {
  const Batch batch =
      batch_of("ts timestamp, d date", {{"2026-01-01 12:00", "2026-01-01"}, {"2025-12-31", "2025-12-31"}});
  const std::vector<std::string> first = {"true", "false"};
  BOOST_TEST(values("ts >= '2026-01-01'", batch) == first, boost::test_tools::per_element());
  BOOST_TEST(values("d >= '2026-01-01'", batch) == first, boost::test_tools::per_element());
  BOOST_TEST(values("ts > d", batch) == first, boost::test_tools::per_element());
  BOOST_TEST(values("ts between '2026-01-01' and timestamp '2026-01-01' + interval '1 day'", batch) == first,
             boost::test_tools::per_element());
  BOOST_TEST(values("ts - '2025-12-31' > '1 day'", batch) == first, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
