#include "stages/explode/explode.h"
#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

Values options(std::map<std::string, std::string> given) {
  Values values;
  for (auto& [name, text] : given) values.set(name, text);
  return values;
}

Schema schema_of(const std::string& columns, Changelog changelog = Changelog::kAppend) {
  Schema schema = *parse_schema(columns);
  schema.changelog = changelog;
  return schema;
}

std::multiset<std::string> exploded(const Values& values, const Schema& schema, const std::vector<TextRow>& rows,
                                    std::vector<std::string>* bad = nullptr) {
  OperatorRig rig(plan_explode, Explode::make, values, {{"in", schema}});
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), rows), out);
  if (bad != nullptr) *bad = out.bad;
  return out.rows;
}

using Rows = std::multiset<std::string>;

}  // namespace

BOOST_AUTO_TEST_CASE(an_array_becomes_a_row_for_each_element_in_its_place) {
  const Rows found = exploded(options({{"column", "tags"}}), schema_of("id bigint, tags json, v varchar"),
                              {{{"1", R"(["a", {"b": [1]},null, 2 ])", "x"}}, {{"2", "[]", "y"}}, {{"3", "\\N", "z"}}});
  BOOST_TEST((found == Rows{R"(1|"a"|x)", R"(1|{"b": [1]}|x)", "1|null|x", "1|2|x"}));
}

BOOST_AUTO_TEST_CASE(elements_become_values_of_a_type_and_are_counted) {
  const Values values = options({{"column", "a"}, {"as", "n"}, {"type", "bigint"}, {"ordinality", "at"}});
  const Rows found = exploded(values, schema_of("id bigint, a json"), {{{"1", R"([5,"6",null])"}}});
  BOOST_TEST((found == Rows{"1|[5,\"6\",null]|5|1", "1|[5,\"6\",null]|6|2", "1|[5,\"6\",null]|NULL|3"}));
}

BOOST_AUTO_TEST_CASE(a_row_without_elements_may_stay) {
  Values values = options({{"column", "a"}, {"type", "varchar"}, {"ordinality", "at"}, {"outer", "true"}});
  const Rows found =
      exploded(values, schema_of("id bigint, a json"), {{{"1", "[]"}}, {{"2", "\\N"}}, {{"3", "[\"\"]"}}});
  BOOST_TEST((found == Rows{"1|NULL|NULL", "2|NULL|NULL", "3||1"}));
}

BOOST_AUTO_TEST_CASE(text_is_split_at_the_separator) {
  const Values values = options({{"column", "a"}, {"separator", ", "}, {"ordinality", "at"}});
  const Rows found = exploded(values, schema_of("a varchar"), {{{"x, y"}}, {{"z"}}, {{""}}, {{"w, "}}});
  BOOST_TEST((found == Rows{"x|1", "y|2", "z|1", "w|1", "|2"}));
}

BOOST_AUTO_TEST_CASE(a_row_with_one_bad_element_is_bad_as_a_whole) {
  std::vector<std::string> bad;
  const Rows found =
      exploded(options({{"column", "a"}, {"type", "bigint"}}), schema_of("id bigint, a json"),
               {{{"1", "[1,2]"}}, {{"2", "[3,\"x\",\"y\"]"}}, {{"3", "{}"}}, {{"4", "[4"}}, {{"5", "[5]"}}}, &bad);
  BOOST_TEST((found == Rows{"1|1", "1|2", "5|5"}));
  BOOST_TEST(bad.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_is_taken_back_is_taken_back_element_by_element) {
  const Schema schema = schema_of("id bigint, a json", Changelog::kUpdates);
  OperatorRig rig(plan_explode, Explode::make, options({{"column", "a"}}), {{"in", schema}});
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), {{{"1", "[1,2,3]"}}}), out);
  rig.batch(
      0, batch_of(rig.input(0), {{{"1", "[1,2,3]"}, RowKind::kUpdateBefore}, {{"1", "[2,4]"}, RowKind::kUpdateAfter}}),
      out);
  BOOST_TEST((out.rows == Rows{"1|2", "1|4"}));
}

BOOST_AUTO_TEST_CASE(many_elements_come_in_several_batches) {
  std::string array = "[0";
  for (int i = 1; i < 150'000; ++i) array += "," + std::to_string(i);
  array += "]";
  std::vector<TextRow> rows(3, {{"1", array}});
  const Rows found = exploded(options({{"column", "a"}, {"type", "bigint"}}), schema_of("id bigint, a json"), rows);
  BOOST_TEST(found.size() == 450'000U);
  BOOST_TEST(found.count("1|149999") == 3U);
}

BOOST_AUTO_TEST_CASE(what_stands_beside_many_elements_is_not_repeated_in_one_batch) {
  std::string array = "[0";
  for (int i = 1; i < 100; ++i) array += ',' + std::to_string(i);
  OperatorRig rig(plan_explode, Explode::make, options({{"column", "a"}}), {{"in", schema_of("a json, t varchar")}});
  BatchSizes sizes;
  rig.batch(0, batch_of(rig.input(0), {{{array + "]", std::string(1 << 20, 'x')}}}), sizes);
  BOOST_TEST(sizes.rows == 100U);
  BOOST_TEST(sizes.largest < std::size_t{20} << 20);
}

BOOST_AUTO_TEST_CASE(the_key_takes_the_ordinality_in) {
  Schema schema = schema_of("id bigint, a json, ts timestamp", Changelog::kUpdates);
  schema.key = {0};
  schema.time = 2;
  OperatorRig counted(plan_explode, Explode::make, options({{"column", "a"}, {"ordinality", "at"}}), {{"in", schema}});
  BOOST_TEST((counted.answer().outputs[0].schema.key == std::vector<std::size_t>{0, 3}));
  BOOST_TEST(counted.answer().outputs[0].schema.time.value() == 2U);
  OperatorRig plain(plan_explode, Explode::make, options({{"column", "a"}}), {{"in", schema}});
  BOOST_TEST(plain.answer().outputs[0].schema.key.empty());
}

BOOST_AUTO_TEST_CASE(wrong_use_is_refused) {
  const Schema schema = schema_of("id bigint, a json, t varchar");
  const auto refused = [&](std::map<std::string, std::string> given) {
    return refusal(plan_explode, options(std::move(given)), schema);
  };
  BOOST_TEST(refused({{"column", "id"}}) == "column: 'id' is BIGINT, which has no elements");
  BOOST_TEST(refused({{"column", "b"}}).starts_with("column: no column 'b'"));
  BOOST_TEST(refused({{"column", "t"}}).starts_with("separator: "));
  BOOST_TEST(refused({{"column", "a"}, {"separator", ","}}).starts_with("separator: "));
  BOOST_TEST(refused({{"column", "a->'b'"}}).starts_with("as: "));
  BOOST_TEST(refused({{"column", "a"}, {"as", "t"}}).starts_with("as: there is a column"));
  BOOST_TEST(refused({{"column", "a"}, {"ordinality", "a"}}).starts_with("ordinality: "));
  BOOST_TEST(refused({{"column", "a"}, {"type", "nubmer"}}).starts_with("type: "));
}
