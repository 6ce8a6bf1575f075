#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

namespace {

using Texts = std::vector<std::string>;

Batch truth_table() {
  return batch_of("a boolean, b boolean", {{"t", "t"},
                                           {"t", "f"},
                                           {"t", "\\N"},
                                           {"f", "t"},
                                           {"f", "f"},
                                           {"f", "\\N"},
                                           {"\\N", "t"},
                                           {"\\N", "f"},
                                           {"\\N", "\\N"}});
}

#define CHECK_VALUES(text, batch, ...)                                                                      \
  do {                                                                                                      \
    const Texts expected = __VA_ARGS__;                                                                     \
    BOOST_TEST_CONTEXT(text) BOOST_TEST(values(text, batch) == expected, boost::test_tools::per_element()); \
  } while (false)

}  // namespace

BOOST_AUTO_TEST_SUITE(logic)

BOOST_AUTO_TEST_CASE(and_or_not_follow_three_valued_logic) {
  const Batch batch = truth_table();
  CHECK_VALUES("a and b", batch, {"true", "false", "NULL", "false", "false", "false", "NULL", "false", "NULL"});
  CHECK_VALUES("a or b", batch, {"true", "true", "true", "true", "false", "NULL", "true", "NULL", "NULL"});
  CHECK_VALUES("not a", batch, {"false", "false", "false", "true", "true", "true", "NULL", "NULL", "NULL"});
  CHECK_VALUES("a = b", batch, {"true", "false", "NULL", "false", "true", "NULL", "NULL", "NULL", "NULL"});
  CHECK_VALUES("a is distinct from b", batch,
               {"false", "true", "true", "true", "false", "true", "true", "true", "false"});
  CHECK_VALUES("a is not distinct from b", batch,
               {"true", "false", "false", "false", "true", "false", "false", "false", "true"});
  CHECK_VALUES("a is not true", batch, {"false", "false", "false", "true", "true", "true", "true", "true", "true"});
  CHECK_VALUES("a is unknown", batch, {"false", "false", "false", "false", "false", "false", "true", "true", "true"});
  CHECK_VALUES("a is false", batch, {"false", "false", "false", "true", "true", "true", "false", "false", "false"});
  CHECK_VALUES("a is null", batch, {"false", "false", "false", "false", "false", "false", "true", "true", "true"});
  CHECK_VALUES("a is not null and true", batch,
               {"true", "true", "true", "true", "true", "true", "false", "false", "false"});
}

BOOST_AUTO_TEST_CASE(what_is_decided_on_the_left_cannot_fail_on_the_right) {
  const Batch batch = batch_of("x bigint", {{"0"}, {"1"}, {"-1"}, {"\\N"}});
  CHECK_VALUES("x <> 0 and 1 / x > 0", batch, {"false", "true", "false", "NULL"});
  CHECK_VALUES("x = 0 or 1 / x > 0", batch, {"true", "true", "false", "NULL"});
  CHECK_VALUES("1 / x > 0 and x <> 0", batch, {"ERROR division by zero", "true", "false", "NULL"});
  CHECK_VALUES("case when x <> 0 then 1 / x end", batch, {"NULL", "1", "-1", "NULL"});
  CHECK_VALUES("case x when 0 then 0 else 10 / x end", batch, {"0", "10", "-10", "NULL"});
  CHECK_VALUES("coalesce(x, 1 / 0)", batch, {"0", "1", "-1", "ERROR division by zero"});
  CHECK_VALUES("case when 1 / x > 0 then 1 else 2 end", batch, {"ERROR division by zero", "1", "2", "2"});
}

BOOST_AUTO_TEST_CASE(expensive_branches_are_computed_for_their_rows_only) {
  const Batch batch = batch_of("x bigint, s varchar", {{"0", "a"}, {"1", "12"}, {"2", "b"}, {"3", "\\N"}});
  CHECK_VALUES("x = 1 and s::bigint > 5", batch, {"false", "true", "false", "false"});
  CHECK_VALUES("case when x = 1 then s::bigint when x = 2 then length(s) else 7 end", batch, {"7", "12", "1", "7"});
  CHECK_VALUES("case when x = 1 then upper(s) when x > 1 then md5(s) end", batch,
               {"NULL", "12", "92eb5ffee6ae2fec3ad71c777531578f", "NULL"});
}

BOOST_AUTO_TEST_CASE(conditional_forms_choose_by_row) {
  const Batch batch = batch_of("a bigint, b bigint", {{"1", "2"}, {"\\N", "2"}, {"3", "\\N"}, {"\\N", "\\N"}});
  CHECK_VALUES("coalesce(a, b, -1)", batch, {"1", "2", "3", "-1"});
  CHECK_VALUES("nullif(a, 1)", batch, {"NULL", "NULL", "3", "NULL"});
  CHECK_VALUES("greatest(a, b)", batch, {"2", "2", "3", "NULL"});
  CHECK_VALUES("least(a, b, 2)", batch, {"1", "2", "2", "2"});
  CHECK_VALUES("case a when 1 then 'one' when 3 then 'three' else 'other' end", batch,
               {"one", "other", "three", "other"});
  CHECK_VALUES("case when a > 1 then a else 1.5 end", batch, {"1.5", "1.5", "3.0", "1.5"});
}

BOOST_AUTO_TEST_CASE(the_operand_of_case_is_computed_once) {
  const Batch batch = batch_of("x bigint, s varchar", {{"0", "A"}, {"1", "b"}, {"2", "C"}, {"3", "\\N"}});
  CHECK_VALUES("case floor(random() * 2) when 0 then 'yes' when 1 then 'yes' else 'never' end", batch,
               {"yes", "yes", "yes", "yes"});
  CHECK_VALUES("case lower(s) when 'a' then 'one' when 'c' then md5(case lower(s) when 'c' then 'c' end) end", batch,
               {"one", "NULL", "4a8a08f09d37b73795649038408b5f33", "NULL"});
  CHECK_VALUES("case x + 0 when 3 then 'd' else md5(case upper(s) when 'B' then 'b' else 'c' end) end", batch,
               {"4a8a08f09d37b73795649038408b5f33", "92eb5ffee6ae2fec3ad71c777531578f",
                "4a8a08f09d37b73795649038408b5f33", "d"});
  CHECK_VALUES("case 1 / x when 1 then 'one' when 0 then 'less' end", batch,
               {"ERROR division by zero", "one", "less", "less"});
}

BOOST_AUTO_TEST_CASE(in_follows_the_null_rule) {
  const Batch batch = batch_of("x bigint, s varchar", {{"1", "a"}, {"2", "b"}, {"\\N", "\\N"}});
  CHECK_VALUES("x in (1, 3)", batch, {"true", "false", "NULL"});
  CHECK_VALUES("x in (1, null)", batch, {"true", "NULL", "NULL"});
  CHECK_VALUES("x not in (1, null)", batch, {"false", "NULL", "NULL"});
  CHECK_VALUES("x not in (1, 3)", batch, {"false", "true", "NULL"});
  CHECK_VALUES("x in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11)", batch, {"true", "false", "NULL"});
  CHECK_VALUES("s in ('a', 'z')", batch, {"true", "false", "NULL"});
  CHECK_VALUES("s not in ('a', null)", batch, {"false", "NULL", "NULL"});
  CHECK_VALUES("x in (x + 0, 5)", batch, {"true", "true", "NULL"});
  CHECK_VALUES("x in (1.5, 2.0)", batch, {"false", "true", "NULL"});
}

BOOST_AUTO_TEST_CASE(between_has_both_bounds) {
  const Batch batch = batch_of("x bigint", {{"1"}, {"2"}, {"3"}, {"\\N"}});
  CHECK_VALUES("x between 1 and 2", batch, {"true", "true", "false", "NULL"});
  CHECK_VALUES("x not between 1 and 2", batch, {"false", "false", "true", "NULL"});
  CHECK_VALUES("x between 2 and 1", batch, {"false", "false", "false", "NULL"});
  CHECK_VALUES("x between symmetric 2 and 1", batch, {"true", "true", "false", "NULL"});
  CHECK_VALUES("x not between symmetric 2 and 1", batch, {"false", "false", "true", "NULL"});
}

BOOST_AUTO_TEST_CASE(select_gives_the_rows_that_are_true) {
  const Batch batch = batch_of(
      "x bigint, s varchar",
      {{"1", "a"}, {"2", "b"}, {"\\N", "c"}, {"0", "\\N"}, {"5", "e"}, {"6", "f"}, {"7", "g"}, {"8", "h"}, {"9", "i"}});
  const std::vector<std::uint32_t> many = {1, 4, 5, 6, 7, 8};
  BOOST_TEST(selected("x >= 2", batch) == many, boost::test_tools::per_element());
  BOOST_TEST(selected("2 <= x", batch) == many, boost::test_tools::per_element());
  const std::vector<std::uint32_t> one = {1};
  BOOST_TEST(selected("s = 'b'", batch) == one, boost::test_tools::per_element());
  BOOST_TEST(selected("true", batch).size() == 9u);
  BOOST_TEST(selected("null::boolean", batch_of("x bigint", {{"1"}})).empty());
  const std::vector<std::uint32_t> divided = {0};
  BOOST_TEST(selected("1 / x >= 1", batch) == divided, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_nothing) {
  const Batch batch = batch_of("x bigint, s varchar", {});
  for (const char* text :
       {"x + 1", "s || 'a'", "x in (1, 2)", "case when x > 1 then s end", "coalesce(x, 1)", "s like 'a%'", "1"}) {
    BOOST_TEST(values(text, batch).empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
