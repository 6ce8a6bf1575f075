#include <boost/test/unit_test.hpp>

#include <array>

#include "stages/expression/join_condition.h"

using namespace stream;

namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kDay = 86'400 * kSecond;

struct Compiled {
  std::optional<JoinCondition> condition;
  ExpressionError error;
};

Compiled compile(std::string_view text) {
  Schema joint = *parse_schema("id bigint, ts timestamp, name varchar, price double");
  const Schema right = *parse_schema("order_id bigint, at timestamp, name varchar, ts timestamp, n decimal(10,2)");
  joint.fields.insert(joint.fields.end(), right.fields.begin(), right.fields.end());
  const std::array inputs = {InputColumns{"o", 0, 4}, InputColumns{"p", 4, 5}};
  Compiled out;
  out.condition = compile_join_condition(text, joint, inputs, 1, 5, &out.error);
  return out;
}

void check_bounds(std::string_view text, std::optional<Microseconds> low, std::optional<Microseconds> high) {
  const Compiled compiled = compile(text);
  BOOST_REQUIRE_MESSAGE(compiled.condition, text << ": " << compiled.error.message);
  BOOST_TEST((compiled.condition->times == TimeBounds{low, high}), text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(join_condition)

BOOST_AUTO_TEST_CASE(equal_columns_are_found_and_the_rest_is_left) {
  const Compiled compiled = compile("p.name = o.name and id = order_id and price > 3 and o.id = p.n");
  BOOST_REQUIRE(compiled.condition);
  const auto& equal = compiled.condition->equal;
  BOOST_REQUIRE(equal.size() == 2);
  BOOST_TEST(equal[0].left == 2);
  BOOST_TEST(equal[0].right == 6);
  BOOST_TEST(equal[1].left == 0);
  BOOST_TEST(equal[1].right == 4);
  BOOST_REQUIRE(compiled.condition->rest);
  BOOST_TEST(compiled.condition->rest->columns() == std::vector<std::size_t>({0, 3, 8}),
             boost::test_tools::per_element());
  BOOST_TEST(!compile("id = order_id").condition->rest);
  BOOST_TEST(compile("id = order_id or name is null").error.message == "column 'name' is ambiguous");
  BOOST_TEST(compile("id = order_id or price > 1").condition->equal.empty());
}

BOOST_AUTO_TEST_CASE(times_are_bounded_by_what_compares_them) {
  check_bounds("o.id = p.order_id", std::nullopt, std::nullopt);
  check_bounds("p.at between o.ts and o.ts + interval '10 minutes'", -600 * kSecond, 0);
  check_bounds("o.ts between p.at - interval '1 second' and p.at + interval '2 seconds'", -kSecond, 2 * kSecond);
  check_bounds("o.ts >= p.at", 0, std::nullopt);
  check_bounds("p.at < o.ts + interval '1 day'", -kDay, std::nullopt);
  check_bounds("o.ts - interval '3 seconds' <= p.at + interval '1 second'", std::nullopt, 4 * kSecond);
  check_bounds("o.ts = p.at", 0, 0);
  check_bounds("o.ts + interval '5 seconds' = p.at", -5 * kSecond, -5 * kSecond);
  check_bounds("o.ts <= p.at + interval '1 month' and o.ts > p.at - interval '1 month'", -31 * kDay, 31 * kDay);
  check_bounds("o.ts <= p.at and o.ts <= p.at - interval '1 second'", std::nullopt, -kSecond);
}

BOOST_AUTO_TEST_CASE(what_does_not_hold_for_all_pairs_bounds_nothing) {
  check_bounds("o.ts <= p.at or o.id = 3", std::nullopt, std::nullopt);
  check_bounds("not (o.ts <= p.at)", std::nullopt, std::nullopt);
  check_bounds("o.ts <> p.at", std::nullopt, std::nullopt);
  check_bounds("o.ts <= p.ts", std::nullopt, std::nullopt);  // not its event time
  check_bounds("p.at not between o.ts and o.ts + interval '1 second'", std::nullopt, std::nullopt);
  check_bounds("p.at between symmetric o.ts and o.ts + interval '1 second'", std::nullopt, std::nullopt);
  check_bounds("o.ts <= p.at + interval '1 second' * o.id", std::nullopt, std::nullopt);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_place) {
  const Compiled missing = compile("o.id = p.id");
  BOOST_TEST(missing.error.message == "no column 'id'");
  BOOST_TEST(missing.error.offset == 7);
  BOOST_TEST(compile("o.id + 1").error.message == "a condition is BOOLEAN, not BIGINT");
}

BOOST_AUTO_TEST_SUITE_END()
