#include "stages/expression/pattern_expressions.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

const std::vector<std::string> kVariables = {"A", "B", "Cee"};

Schema input() {
  Schema schema = *parse_schema("k bigint, ts timestamp, price double, n bigint, c varchar, j json, \"user\" varchar");
  schema.time = 1;
  return schema;
}

struct Compiled {
  std::optional<PatternExpressions> of;
  PatternError error;
};

Compiled compile(const std::string& define, const std::string& measures) {
  std::vector<SelectText> conditions;
  std::vector<SelectText> values;
  if (!define.empty()) conditions.push_back({"", define});
  if (!measures.empty()) values.push_back({"", measures});
  Compiled out;
  out.of = compile_pattern_expressions({kVariables, conditions, values}, input(), &out.error);
  return out;
}

std::string wrong(const std::string& define, const std::string& measures = {}) {
  const Compiled compiled = compile(define, measures);
  BOOST_REQUIRE(!compiled.of);
  BOOST_TEST(compiled.error.in_define == measures.empty());
  return std::to_string(compiled.error.error.offset) + ": " + compiled.error.error.message;
}

PatternExpressions right(const std::string& define, const std::string& measures = {}) {
  Compiled compiled = compile(define, measures);
  BOOST_REQUIRE_MESSAGE(compiled.of, define << measures << ": " << compiled.error.error.message);
  return *std::move(compiled.of);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pattern_expressions)

BOOST_AUTO_TEST_CASE(what_looks_at_one_row_is_told_from_what_compares_rows) {
  const auto split =
      right("A.price > 3 and price > B.price and c = 'x' as A, b.price < 2 or n = 3 as b, ts > last(Cee.ts, 1) as cee");
  BOOST_TEST(split.conditions[0].of_row->columns() == std::vector<std::size_t>({2, 4}),
             boost::test_tools::per_element());
  BOOST_REQUIRE(split.conditions[0].of_values);
  BOOST_TEST(split.conditions[0].of_values->columns().size() == 2);
  BOOST_TEST(split.conditions[1].of_row->columns() == std::vector<std::size_t>({2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(!split.conditions[1].of_values);
  BOOST_TEST(!split.conditions[2].of_row);
  BOOST_TEST(split.kept.size() == 2);  // price and ts
}

BOOST_AUTO_TEST_CASE(equal_values_are_kept_and_computed_once) {
  const auto once = right("price > avg(A.price) and price < first(A.price) as B",
                          "avg(a.price) as mean, A.price as p, last(A.price) as q");
  BOOST_TEST(once.kept.size() == 1);
  BOOST_TEST(once.values.size() == 4);  // this row's, avg, first and last of A
  BOOST_TEST(once.measures[1].expression.columns() == once.measures[2].expression.columns(),
             boost::test_tools::per_element());
  BOOST_TEST(once.lineage(once.measures[0].expression) == std::vector<std::size_t>({2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(types_and_names_are_those_of_sql) {
  const auto typed = right(
      "",
      "sum(A.n), avg(A.n) as mean, count(*) as c, count(A.*) filter (where A.n > 1) as some, max(A.c || 'x') as m, "
      "first(A.ts) as began, A.j.x, match_rowtime(), classifier(), prev(last(B.n, 2), 3) as before, B.user");
  const auto check = [&](std::size_t at, const char* name, Type type) {
    BOOST_TEST(typed.measures[at].name == name);
    BOOST_TEST(to_string(typed.measures[at].expression.type()) == to_string(type));
  };
  check(0, "sum", kBigint);
  check(1, "mean", kDouble);
  check(2, "c", kBigint);
  check(3, "some", kBigint);
  check(4, "m", kVarchar);
  check(5, "began", kTimestamp);
  check(6, "x", kVarchar);
  check(7, "match_rowtime", kTimestamp);
  check(8, "classifier", kVarchar);
  check(9, "before", kBigint);
  check(10, "user", kVarchar);
  const PatternValue& before = typed.values[*typed.measures[9].expression.as_column()];
  BOOST_TEST(before.variable == 1);
  BOOST_TEST(before.offset == 2);
  BOOST_TEST(before.back == 3);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_place) {
  BOOST_TEST(wrong("price > 3") == "0: a condition needs the variable it is for");
  BOOST_TEST(wrong("price > 3 as D") == "0: the pattern has no variable 'D'");
  BOOST_TEST(wrong("price > 3 as A, n > 3 as a") == "16: 'a' is defined twice");
  BOOST_TEST(wrong("price as A") == "0: a condition is BOOLEAN, not DOUBLE");
  BOOST_TEST(wrong("n > 1 and D.price > 3 as A") == "10: the pattern has no variable 'D'");
  BOOST_TEST(wrong("A.prise > 3 as A") == "0: no column 'prise'");
  BOOST_TEST(wrong("ts > now() as A") == "3: what is another value each time cannot be matched again after a restart");
  BOOST_TEST(wrong("price > next(price) as A") == "8: next() looks at rows that have not come");
  BOOST_TEST(wrong("sum(A.n + B.n) > 1 as A") == "10: columns inside of one call must be of one variable");
  BOOST_TEST(wrong("sum(first(A.n)) > 1 as A") == "4: first() cannot stand inside of another such call");
  BOOST_TEST(wrong("last(A.n, -1) > 1 as A") == "10: last() counts rows by a number from 0 to 10000");
  BOOST_TEST(wrong("last(A.n, B.n) > 1 as A") == "10: last() counts rows by a number from 0 to 10000");
  BOOST_TEST(wrong("n > sum(A.c) as A") == "4: no aggregate sum(VARCHAR)");
  BOOST_TEST(wrong("n > count(distinct A.c) as A") == "4: DISTINCT is not supported in patterns");
  BOOST_TEST(wrong("", "A.n + 1") == "0: a measure needs a name");
  BOOST_TEST(wrong("", "A.*") == "0: * is not one value");
  BOOST_TEST(wrong("", "classifier(A.n) as x") == "0: classifier() takes no argument");
  BOOST_TEST(wrong("", "frist(A.n) as x") == "0: no function frist()");
}

BOOST_AUTO_TEST_SUITE_END()
