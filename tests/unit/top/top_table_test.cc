#include "cli/top/top_table.h"

#include <boost/test/unit_test.hpp>
#include <clocale>

namespace stream {
namespace {

std::vector<std::string> texts(const std::vector<Line>& lines) {
  std::vector<std::string> out;
  for (const Line& line : lines) {
    std::string text;
    for (const Span& span : line.spans) text += span.text;
    out.push_back(text);
  }
  return out;
}

TopTable cities() {
  return {.columns = {{.title = "CITY"},
                      {.title = "PEOPLE", .right = true, .spare = 1},
                      {.title = "AREA", .right = true, .spare = 2},
                      {.title = "TREND", .right = true, .spare = 3, .fills = true}},
          .rows = {{{"Ulm"}, {"126000"}, {"118"}, {"__________aaaaaaaa"}}, {{"Berlin"}, {"3700000"}, {"891"}, {"bb"}}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(top_table)

BOOST_AUTO_TEST_CASE(columns_stand_below_their_heads) {
  const std::vector<std::string> wanted = {"CITY     PEOPLE  AREA               TREND",  //
                                           "Ulm      126000   118  __________aaaaaaaa",
                                           "Berlin  3700000   891                  bb"};
  BOOST_TEST(texts(lines_of(cities(), 80)) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_last_column_shows_its_end_where_there_is_less_room) {
  const std::vector<std::string> wanted = {"CITY     PEOPLE  AREA     TREND",  //
                                           "Ulm      126000   118  aaaaaaaa", "Berlin  3700000   891        bb"};
  BOOST_TEST(texts(lines_of(cities(), 31)) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_narrow_screen_does_without_some) {
  const std::vector<std::string> two = {"CITY     PEOPLE", "Ulm      126000", "Berlin  3700000"};
  BOOST_TEST(texts(lines_of(cities(), 16)) == two, boost::test_tools::per_element());
  BOOST_TEST(texts(lines_of(cities(), 12))[1] == "Ulm   ");
  BOOST_TEST(texts(lines_of(cities(), 3))[2] == "Ber");
}

BOOST_AUTO_TEST_CASE(no_line_is_ever_wider_than_the_screen) {
  for (std::size_t width = 1; width < 60; ++width) {
    for (const std::string& text : texts(lines_of(cities(), width))) BOOST_TEST(cells_of(text) <= width);
  }
}

BOOST_AUTO_TEST_CASE(cells_are_counted_not_bytes) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  BOOST_TEST(cells_of("\u00fcber") == 4U);
  BOOST_TEST(cells_of("\u65e5\u672c") == 4U);
  BOOST_TEST(clip("\u65e5\u672c", 3) == "\u65e5");
  BOOST_TEST(clip("e\u0301a", 1) == "e\u0301");
  std::setlocale(LC_CTYPE, "C");
}

BOOST_AUTO_TEST_CASE(what_is_no_text_cannot_harm_the_screen) {
  BOOST_TEST(clip("a\x1b[2Jb\tc\n", 80) == "a?[2Jb?c?");
  BOOST_TEST(clip("\xff\xc3", 80) == "??");
  BOOST_TEST(clip("\xe6\x97", 80) == "??");
}

BOOST_AUTO_TEST_CASE(bars_go_up_to_the_highest) {
  BOOST_TEST(sparkline({0, 1, 4, 8}, true) == " \u2581\u2584\u2588");
  BOOST_TEST(sparkline({0, 1, 4, 8}, false) == " .-#");
  BOOST_TEST(sparkline({0, 0}, true) == "  ");
  BOOST_TEST(sparkline({1, 1e9}, true) == "\u2581\u2588");
  BOOST_TEST(sparkline({}, true).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stream
