#include "transport/base/text.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(durations_are_read_in_every_unit) {
  BOOST_TEST(*parse_duration("100ms") == 100'000);
  BOOST_TEST(*parse_duration("1m30s") == 90'000'000);
  BOOST_TEST(*parse_duration("1d") == 86'400'000'000);
  BOOST_TEST(*parse_duration("0") == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_refused_by_name) {
  for (const char* bad : {"", "5", "ms", "1x", "-1s", "1s ", "99999999999999d"}) {
    const auto result = parse_duration(bad);
    BOOST_TEST_REQUIRE(!result.ok(), bad);
    BOOST_TEST((result.status().code() == Code::kUsage));
  }
}

BOOST_AUTO_TEST_CASE(a_printed_duration_reads_back) {
  for (const Microseconds d : {1LL, 999LL, 1000LL, 90'000'000LL, 86'400'000'001LL}) {
    BOOST_TEST(*parse_duration(format_duration(d)) == d);
  }
}

BOOST_AUTO_TEST_CASE(sizes_know_binary_and_decimal_units) {
  BOOST_TEST(*parse_size("128MiB") == 128u << 20);
  BOOST_TEST(*parse_size("1MB") == 1'000'000u);
  BOOST_TEST(*parse_size("42") == 42u);
  BOOST_TEST(!parse_size("1MiBs").ok());
}

BOOST_AUTO_TEST_CASE(the_nearest_name_is_offered_only_when_near) {
  const std::vector<std::string> names = {"status", "host", "path"};
  BOOST_TEST(nearest("statsu", names) == "status");
  BOOST_TEST(nearest("completely-else", names) == "");
  const std::vector<std::string> verbs = {"run", "ps", "show"};
  BOOST_TEST(nearest("rnu", verbs) == "run");
  const std::vector<std::string> letters = {"a", "b", "host"};
  BOOST_TEST(nearest("x", letters) == "");
  BOOST_TEST(nearest("B", letters) == "b");
}

BOOST_AUTO_TEST_CASE(words_are_quoted_for_a_shell_where_they_must_be) {
  BOOST_TEST(shell_quoted("/usr/bin/stream") == "/usr/bin/stream");
  BOOST_TEST(shell_quoted("a b") == "'a b'");
  BOOST_TEST(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
  BOOST_TEST(shell_quoted("") == "''");
  BOOST_TEST(shell_quoted("~") == "'~'");
}

BOOST_AUTO_TEST_CASE(words_are_wrapped_behind_a_column) {
  BOOST_TEST(wrapped("a b", 4) == "a b\n");
  BOOST_TEST(wrapped(std::string(70, 'x') + " yyyy zzzz", 4) == std::string(70, 'x') + " yyyy\n    zzzz\n");
  BOOST_TEST(wrapped(std::string(200, 'x'), 4) == std::string(200, 'x') + "\n");
}

BOOST_AUTO_TEST_SUITE_END()
