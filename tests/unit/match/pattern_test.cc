#include "stages/match/pattern.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

Pattern parsed(std::string_view text) {
  ExpressionError error;
  auto pattern = parse_pattern(text, &error);
  BOOST_REQUIRE_MESSAGE(pattern, text << ": " << error.message);
  return *std::move(pattern);
}

std::string wrong(std::string_view text) {
  ExpressionError error;
  BOOST_REQUIRE_MESSAGE(!parse_pattern(text, &error), text);
  return std::to_string(error.offset) + ": " + error.message;
}

// "A B ." for the variables that may come, "." where the match may end.
std::string shown(const Pattern& pattern, const PatternNext& next) {
  std::string out;
  for (const std::uint32_t position : next.positions)
    out += (out.empty() ? "" : " ") + pattern.variables[pattern.variable_of[position]];
  return next.ends ? out + (out.empty() ? "." : " .") : out;
}

// What may come first, and behind each position.
std::string lists(std::string_view text) {
  const Pattern pattern = parsed(text);
  std::string out = shown(pattern, pattern.first);
  for (const PatternNext& next : pattern.next) out += "; " + shown(pattern, next);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(patterns)

BOOST_AUTO_TEST_CASE(texts_have_one_spelling) {
  BOOST_TEST(parsed(" A  B+ ( C|D ){2,3}? ").text == "A B+ (C | D){2,3}?");
  BOOST_TEST(parsed("(A B?)* \"a b\" E{1,}?").text == "(A B?)* a b E+?");
  BOOST_TEST(parsed("A{,2} B{1,1} b").text == "A{0,2} B{1} B");
  BOOST_TEST(parsed("(A+)+").text == "(A+)+");
  BOOST_TEST(parsed("A | B C").text == "A | (B C)");
}

BOOST_AUTO_TEST_CASE(what_may_follow_is_in_the_order_of_preference) {
  BOOST_TEST(lists("A B") == "A; .; B");  // positions are numbered from the end
  const auto after_a = [](std::string_view text) {
    const Pattern pattern = parsed(text);
    return shown(pattern, pattern.next[pattern.first.positions[0]]);
  };
  BOOST_TEST(after_a("A B* C") == "B C");
  BOOST_TEST(after_a("A B*? C") == "C B");
  BOOST_TEST(after_a("A B?") == "B .");
  BOOST_TEST(after_a("A B??") == ".");  // what is liked less than the end is no matter
  BOOST_TEST(after_a("A (B | C)") == "B C");
  BOOST_TEST(after_a("A (C | B)") == "C B");
  BOOST_TEST(after_a("A{1,3} B") == "A B");
  BOOST_TEST(after_a("A{2} B") == "A");
  BOOST_TEST(after_a("A (B? C?)* D") == "B C D");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_place) {
  BOOST_TEST(wrong("") == "0: a variable is missing");
  BOOST_TEST(wrong("A (B") == "2: the parenthesis is not closed");
  BOOST_TEST(wrong("A )") == "2: ')' is not expected here");
  BOOST_TEST(wrong("A, B") == "1: ',' is not expected here");
  BOOST_TEST(wrong("A | ") == "4: a variable is missing");
  BOOST_TEST(wrong("+ A") == "0: a quantifier needs a variable before it");
  BOOST_TEST(wrong("A B{3,2}") == "3: the least number of rows is above the most");
  BOOST_TEST(wrong("A{,}") == "1: {,} has no number");
  BOOST_TEST(wrong("A{2") == "3: '}' is missing");
  BOOST_TEST(wrong("A{0}") == "1: {0} matches no row");
  BOOST_TEST(wrong("A{99999}") == "2: at most 10000 rows can be counted");
  BOOST_TEST(wrong("^ A") == "0: ^ and $ are not supported");
  BOOST_TEST(wrong("PERMUTE(A, B)") == "0: PERMUTE is not supported");
  BOOST_TEST(wrong("A* B?") == "0: the pattern may match no row at all");
  BOOST_TEST(wrong("(A{5000}){5000}") == "0: the pattern is too large");
  BOOST_TEST(wrong("(A?){2000}") == "0: the pattern may match no row at all");
  BOOST_TEST(wrong("B (A?){2000}") == "0: the pattern is too large");
  BOOST_TEST(wrong(std::string(200, '(')).ends_with("the pattern is nested too deeply"));
  std::string many;
  for (int i = 0; i < 63; ++i) many += " v" + std::to_string(i);
  BOOST_TEST(wrong(many) == "0: the pattern has more than 62 variables");
}

BOOST_AUTO_TEST_SUITE_END()
