#include "stages/expression/canonical.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;

namespace {

std::string canonical(std::string_view text) {
  static const Schema kSchema =
      *parse_schema("ms bigint, \"Host\" varchar, \"5xx\" bigint, \"a\" bigint, \"A\" bigint");
  return expression::canonical_text(text, kSchema);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(canonical_text)

BOOST_AUTO_TEST_CASE(ways_of_writing_the_same_become_one) {
  for (const char* text : {"count(*) filter (where ms >= 5)", "COUNT( * )FILTER(WHERE MS>=5)",
                           "count /* all */ (*)\n filter (where \"ms\" >= 5) -- late"}) {
    BOOST_TEST(canonical(text) == "count(*) filter(where ms >= 5)");
  }
  BOOST_TEST(canonical("max(HOST)") == "max(Host)");
  BOOST_TEST(canonical("max(\"Host\")") == "max(Host)");
  BOOST_TEST(canonical("sum(round(ms,2)::bigint)") == "sum(round(ms, 2) :: bigint)");
}

BOOST_AUTO_TEST_CASE(what_differs_stays_different) {
  BOOST_TEST(canonical("sum(a)") != canonical("sum(A)"));
  BOOST_TEST(canonical("ms - -1") != canonical("ms --1"));
  BOOST_TEST(canonical("max('A b')") == "max('A b')");
  BOOST_TEST(canonical("max('A b')") != canonical("max('a b')"));
  BOOST_TEST(canonical("max(\"5xx\")") == "max(\"5xx\")");
  BOOST_TEST(canonical("sum(ms)") != canonical("sum(distinct ms)"));
}

BOOST_AUTO_TEST_SUITE_END()
