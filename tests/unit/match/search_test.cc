#include "stages/match/search.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

// Letters are rows; a variable matches the letters its name has, without regard of case: Ab matches a and b.
struct Run {
  explicit Run(std::string_view text) : pattern(*parse_pattern(text, nullptr)), search(pattern, scratch) {}

  void take(char row) {
    std::vector<Search::Trial> trials;
    search.look_ahead(trials);
    for (Search::Trial& trial : trials) {
      const std::string& name = pattern.variables[pattern.variable_of[trial.position]];
      for (const char c : name) trial.holds |= std::tolower(c) == row;
    }
    ways = std::max(ways, trials.size());
    search.step(trials);
  }
  std::string match() const {
    std::string out;
    for (const std::uint32_t variable : search.match().value_or(std::vector<std::uint32_t>()))
      out += (out.empty() ? "" : " ") + pattern.variables[variable];
    return out;
  }
  // Of rows until it is decided, and how many that took.
  std::string of(std::string_view rows) {
    search.restart();
    for (const char row : rows) {
      take(row);
      if (search.decided()) return std::to_string(search.rows()) + ": " + match();
    }
    search.stop();
    return "end: " + match();
  }

  Search::Scratch scratch;
  Pattern pattern;
  Search search;
  std::size_t ways = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(searches)

BOOST_AUTO_TEST_CASE(a_match_is_decided_once_no_row_could_change_it) {
  BOOST_TEST(Run("A B").of("ab") == "2: A B");
  BOOST_TEST(Run("A B*").of("abbc") == "4: A B B");
  BOOST_TEST(Run("A B*").of("abb") == "end: A B B");
  BOOST_TEST(Run("A B*?").of("abb") == "1: A");
  BOOST_TEST(Run("A B").of("ac") == "2: ");
  BOOST_TEST(Run("A B").of("a") == "end: ");
}

BOOST_AUTO_TEST_CASE(the_preferred_way_is_taken_and_rows_are_given_back) {
  BOOST_TEST(Run("A Bc* C").of("abcc") == "end: A Bc Bc C");
  BOOST_TEST(Run("A Bc* C").of("abcb") == "end: A Bc C");
  BOOST_TEST(Run("A Bc*? C").of("abcc") == "3: A Bc C");
  BOOST_TEST(Run("(A | A B) C?").of("abc") == "2: A");
  BOOST_TEST(Run("(A B | A) C?").of("abc") == "3: A B C");
  BOOST_TEST(Run("A (Bc | C){2} D?").of("acb") == "end: A Bc Bc");
  BOOST_TEST(Run("A (C | Bc){2} D?").of("acbd") == "4: A C Bc D");
}

BOOST_AUTO_TEST_CASE(ways_with_one_future_are_one_way) {
  Run run("Ab* Ab* Ab* Ab* C");
  std::string rows;
  for (int i = 0; i < 5000; ++i) rows += "ab";
  BOOST_TEST(run.of(rows + "c").starts_with("10001: Ab Ab"));
  BOOST_TEST(run.ways < 30);
  // Rows of ways that came to nothing are forgotten.
  Run narrow("A B{1,3} B*? C");
  BOOST_TEST(narrow.of("a" + std::string(100'000, 'b') + "x") == "100002: ");
  BOOST_TEST(narrow.search.size_bytes() < 4'000'000);
}

BOOST_AUTO_TEST_CASE(too_many_ways_are_given_up) {
  Run run("A+ B");
  std::int64_t unlike = 0;
  for (std::size_t row = 0; !run.search.decided() && row < 20; ++row) {
    std::vector<Search::Trial> trials;
    run.search.look_ahead(trials);
    std::vector<Search::Trial> all;
    for (Search::Trial& trial : trials) {
      trial.holds = true;
      if (run.pattern.variable_of[trial.position] == 1) trial.holds = false;
      for (int copy = 0; copy < 3; ++copy) {
        all.push_back(trial);
        all.back().history.resize(1);
        all.back().history[0].count = ++unlike;
      }
    }
    run.search.step(all);
  }
  BOOST_TEST(run.search.overflow());
  BOOST_TEST(run.match() == "");
  run.search.restart();
  BOOST_TEST(!run.search.overflow());
}

BOOST_AUTO_TEST_SUITE_END()
