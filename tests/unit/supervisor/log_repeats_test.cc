#include "supervisor/log_repeats.h"

#include <boost/test/unit_test.hpp>

namespace stream {
namespace {

LogLine line(const std::string& message, Microseconds at, std::uint32_t instance = 0) {
  LogLine out;
  out.at_us = at;
  out.stage = "errors";
  out.instance = instance;
  out.message = message;
  return out;
}

constexpr Microseconds kSecond = 1'000'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(log_repeats)

BOOST_AUTO_TEST_CASE(the_first_few_are_written_and_the_others_are_told) {
  LogRepeats repeats;
  int written = 0;
  for (int i = 0; i < 100; ++i) written += repeats.pass(line("slow", 5 * kSecond + i)) ? 1 : 0;
  BOOST_TEST(written == 10);
  BOOST_TEST(repeats.over(14 * kSecond).empty());
  const auto told = repeats.over(15 * kSecond);
  BOOST_REQUIRE_EQUAL(told.size(), 1U);
  BOOST_TEST(told[0].message == "slow (90 more times within 10s)");
  BOOST_TEST(told[0].stage == "errors");
  BOOST_TEST(repeats.over(100 * kSecond).empty());
  BOOST_TEST(repeats.pass(line("slow", 16 * kSecond)));
}

BOOST_AUTO_TEST_CASE(a_line_that_is_rare_is_never_held_back) {
  LogRepeats repeats;
  for (int second = 0; second < 1000; ++second) {
    BOOST_TEST(repeats.over(second * kSecond).empty());
    BOOST_TEST(repeats.pass(line("rare", second * kSecond)));
  }
}

BOOST_AUTO_TEST_CASE(others_of_other_instances_or_words_are_other_lines) {
  LogRepeats repeats;
  for (std::uint32_t i = 0; i < 30; ++i) {
    BOOST_TEST(repeats.pass(line("slow", kSecond, i)));
    BOOST_TEST(repeats.pass(line("slow " + std::to_string(i), kSecond)));
  }
}

BOOST_AUTO_TEST_CASE(at_the_end_all_is_told) {
  LogRepeats repeats;
  for (int i = 0; i < 12; ++i) repeats.pass(line("slow", 5 * kSecond));
  BOOST_REQUIRE_EQUAL(repeats.rest().size(), 1U);
  BOOST_TEST(repeats.rest().empty());
}

BOOST_AUTO_TEST_CASE(what_is_remembered_is_bounded) {
  LogRepeats repeats;
  for (int i = 0; i < 100'000; ++i) BOOST_TEST_REQUIRE(repeats.pass(line(std::to_string(i), kSecond)));
  for (int i = 0; i < 100; ++i) BOOST_TEST_REQUIRE(repeats.pass(line("one too many", kSecond)));
  BOOST_TEST(repeats.over(11 * kSecond).empty());
  BOOST_TEST(!repeats.pass([&] {
    for (int i = 0; i < 10; ++i) repeats.pass(line("again", 12 * kSecond));
    return line("again", 12 * kSecond);
  }()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stream
