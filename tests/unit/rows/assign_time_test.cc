#include "stages/assign-time/assign_time.h"

#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

Values options(std::map<std::string, std::string> given) {
  Values values;
  values.set("zone", std::string("UTC"));
  for (auto& [name, text] : given) values.set(name, text);
  return values;
}

std::multiset<std::string> timed(const Values& values, const std::string& columns, const std::vector<TextRow>& rows,
                                 std::size_t bad = 0) {
  OperatorRig rig(plan_assign_time, AssignTime::make, values, {{"in", *parse_schema(columns)}});
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), rows), out);
  BOOST_TEST(out.bad.size() == bad);
  return out.rows;
}

using Rows = std::multiset<std::string>;

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_of_a_unit_become_times_in_their_place) {
  BOOST_TEST((timed(options({{"time", "at"}, {"time-unit", "s"}}), "at bigint, n bigint",
                    {{{"7", "1"}}, {{"-2", "2"}}}) == Rows{"7000000|1", "-2000000|2"}));
  BOOST_TEST(
      (timed(options({{"time", "at"}, {"time-unit", "ns"}}), "at bigint", {{{"7999"}}, {{"-1"}}}) == Rows{"7", "-1"}));
  BOOST_TEST((timed(options({{"time", "at"}, {"time-unit", "s"}}), "at double", {{{"1.25"}}, {{"1e30"}}}, 1) ==
              Rows{"1250000"}));
  BOOST_TEST(
      (timed(options({{"time", "at"}, {"time-unit", "s"}}), "at bigint", {{{"9223372036854775807"}}, {{"\\N"}}}, 2)
           .empty()));
}

BOOST_AUTO_TEST_CASE(text_is_read_by_format_and_zone) {
  BOOST_TEST(
      (timed(options({{"time", "at"}, {"zone", "Europe/Berlin"}}), "at varchar",
             {{{"1970-01-01 01:00:05"}}, {{"1970-01-01T00:00:06Z"}}, {{"soon"}}}, 1) == Rows{"5000000", "6000000"}));
  BOOST_TEST((timed(options({{"time", "at"}, {"time-format", "%d.%m.%Y"}}), "at varchar", {{{"02.01.1970"}}}) ==
              Rows{"86400000000"}));
}

BOOST_AUTO_TEST_CASE(an_expression_becomes_a_column_of_its_own) {
  const Values values = options({{"time", "cast(j->>'at' as timestamp)"}, {"as", "at"}});
  BOOST_TEST((timed(values, "j json, n bigint",
                    {{{R"({"at":"1970-01-01T00:00:01Z"})", "1"}}, {{R"({"at":"x"})", "2"}}, {{"{}", "3"}}},
                    2) == Rows{R"({"at":"1970-01-01T00:00:01Z"}|1|1000000)"}));
}

BOOST_AUTO_TEST_CASE(the_plan_tells_the_time_and_keeps_the_key_that_stays_one) {
  Schema schema = *parse_schema("id bigint, at bigint, ts timestamp");
  schema.key = {0};
  schema.time = 2;
  OperatorRig rig(plan_assign_time, AssignTime::make, options({{"time", "at"}, {"time-unit", "s"}}), {{"in", schema}});
  BOOST_TEST(rig.answer().outputs[0].schema.time.value() == 1U);
  BOOST_TEST((rig.answer().outputs[0].schema.fields[1] == Field{"at", kTimestamp}));
  BOOST_TEST(rig.answer().outputs[0].schema.key.size() == 1U);
  schema.key = {1};
  OperatorRig other(plan_assign_time, AssignTime::make, options({{"time", "at"}, {"time-unit", "s"}}),
                    {{"in", schema}});
  BOOST_TEST(other.answer().outputs[0].schema.key.empty());
}

BOOST_AUTO_TEST_CASE(wrong_use_of_assign_time_is_refused) {
  Schema schema = *parse_schema("n bigint, ts timestamp, t varchar, b boolean");
  const auto refused = [&](std::map<std::string, std::string> given) {
    return refusal(plan_assign_time, options(std::move(given)), schema);
  };
  BOOST_TEST(refused({{"time", "n"}}).starts_with("time-unit: 'n' is BIGINT"));
  BOOST_TEST(refused({{"time", "b"}}).starts_with("time: 'b' is BOOLEAN"));
  BOOST_TEST(refused({{"time", "x"}}).starts_with("time: no column"));
  BOOST_TEST(refused({{"time", "ts"}, {"time-unit", "s"}}).starts_with("time-unit: "));
  BOOST_TEST(refused({{"time", "ts"}, {"time-format", "%d"}}).starts_with("time-format: "));
  BOOST_TEST(refused({{"time", "t"}, {"time-format", "%?"}}).starts_with("time-format: "));
  BOOST_TEST(refused({{"time", "t"}, {"zone", "Moon/Base"}}).starts_with("zone: "));
  BOOST_TEST(refused({{"time", "ts + interval '1 second'"}}).starts_with("as: "));
  BOOST_TEST(refused({{"time", "ts"}, {"as", "n"}}).starts_with("as: "));
  schema.changelog = Changelog::kUpdates;
  BOOST_TEST(refused({{"time", "ts"}}).find("taken back") != std::string::npos);
}
