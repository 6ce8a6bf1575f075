// What decides without doing: when to read, what to forget, what SQL to send, what a condition means.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <random>

#include "stages/expression/lookup_condition.h"
#include "stages/kit/sqlite_types.h"
#include "stages/lookup/recent_list.h"
#include "stages/lookup/refresh.h"
#include "stages/lookup/relation.h"

using namespace stream;

namespace {

constexpr Microseconds kSecond = 1'000'000;
const Status kAway{Code::kSystem, "the server is away"};
const Status kWrong{Code::kUsage, "there is no such table"};

}  // namespace

BOOST_AUTO_TEST_SUITE(lookup_decisions)

BOOST_AUTO_TEST_CASE(what_is_read_once_is_not_due_again) {
  Refresh refresh(std::nullopt);
  BOOST_TEST(!refresh.due_at(5));
  refresh.want(5);
  BOOST_TEST(refresh.due_at(5));
  refresh.begun();
  BOOST_TEST(!refresh.due_at(5));
  BOOST_TEST(!refresh.due().has_value());
  refresh.succeeded(6);
  BOOST_TEST(!refresh.due().has_value());
}

BOOST_AUTO_TEST_CASE(it_is_looked_at_again_after_its_time) {
  Refresh refresh(10 * kSecond);
  refresh.want(0);
  refresh.begun();
  refresh.succeeded(3 * kSecond);
  BOOST_TEST(*refresh.due() == 13 * kSecond);
  BOOST_TEST(!refresh.due_at(13 * kSecond - 1));
  BOOST_TEST(refresh.due_at(13 * kSecond));
}

BOOST_AUTO_TEST_CASE(a_server_that_is_away_is_tried_for_a_minute) {
  Refresh refresh(std::nullopt);
  refresh.want(0);
  for (Microseconds now = 0; now < Refresh::kPatience; now += Refresh::kPause) {
    BOOST_TEST_REQUIRE(refresh.due_at(now));
    refresh.begun();
    BOOST_TEST(refresh.failed(now, kAway, false).ok());
    BOOST_TEST(!refresh.due_at(now));
  }
  refresh.begun();
  BOOST_TEST(refresh.failed(Refresh::kPatience, kAway, false).what() == kAway.what());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_final_unless_something_was_read_before) {
  Refresh refresh(100 * kSecond);
  refresh.want(0);
  refresh.begun();
  BOOST_TEST((refresh.failed(0, kWrong, false).code() == Code::kUsage));
  // With something in hand: three times, however seldom.
  BOOST_TEST(refresh.failed(kSecond, kWrong, true).ok());
  BOOST_TEST(refresh.failed(200 * kSecond, kWrong, true).ok());
  BOOST_TEST(!refresh.failed(300 * kSecond, kWrong, true).ok());
  refresh.succeeded(301 * kSecond);
  BOOST_TEST(refresh.failed(400 * kSecond, kWrong, true).ok());
}

BOOST_AUTO_TEST_CASE(the_list_knows_what_was_used_last) {
  RecentList list;
  std::deque<std::uint32_t> model;  // oldest first
  std::mt19937 random(7);
  for (int step = 0; step < 20'000; ++step) {
    const unsigned what = random() % 8;
    if (model.empty() || what < 3) {
      const std::uint32_t number = list.add();
      BOOST_TEST_REQUIRE((std::ranges::find(model, number) == model.end()));
      model.push_back(number);
    } else if (what < 6) {
      const std::uint32_t number = model[random() % model.size()];
      list.touch(number);
      std::erase(model, number);
      model.push_back(number);
    } else {
      const std::uint32_t number = what == 6 ? model.front() : model[random() % model.size()];
      list.remove(number);
      std::erase(model, number);
    }
    BOOST_TEST_REQUIRE(list.size() == model.size());
    BOOST_TEST_REQUIRE(list.oldest() == (model.empty() ? RecentList::kNone : model.front()));
  }
}

BOOST_AUTO_TEST_CASE(expressions_over_the_input_are_keys) {
  const Schema joint{
      .fields = parse_schema("auction bigint, name varchar, \"key\" bigint, name2 varchar").operator*().fields,
      .time = {},
      .key = {}};
  const std::vector<InputColumns> inputs = {{"b", 0, 2}, {"r", 2, 2}};
  ExpressionError error;
  const auto one = compile_lookup_condition("auction % 10 = r.key and name2 = lower(name) and name2 <> 'x'", joint, 2,
                                            inputs, &error);
  BOOST_TEST_REQUIRE(one.has_value());
  BOOST_TEST(one->equal.size() == 2U);
  BOOST_TEST(one->equal[0].reference == 2U);
  BOOST_TEST(one->equal[1].reference == 3U);
  BOOST_TEST(one->rest.has_value());
  // Of another type, or over the reference too: a condition like others.
  const auto none = compile_lookup_condition("auction::double precision = r.key or true", joint, 2, inputs, &error);
  BOOST_TEST_REQUIRE(none.has_value());
  BOOST_TEST(none->equal.empty());
  const auto both = compile_lookup_condition("r.key = auction + r.key", joint, 2, inputs, &error);
  BOOST_TEST_REQUIRE(both.has_value());
  BOOST_TEST(both->equal.empty());
  BOOST_TEST(!compile_lookup_condition("auction = r.kee", joint, 2, inputs, &error).has_value());
  BOOST_TEST(error.message == "no column 'kee'");
  BOOST_TEST(error.offset == 10U);
}

BOOST_AUTO_TEST_CASE(the_sql_quotes_what_users_name) {
  const Schema schema = *parse_schema("id bigint, \"odd \"\" name\" varchar");
  Reference reference;
  reference.kind = ReferenceKind::kSqlite;
  reference.table = "a\"b.c";
  BOOST_TEST(select_key(reference, schema, {0, 1}) ==
             "select ref_.\"id\", ref_.\"odd \"\" name\" from \"a\"\"b.c\" as ref_ where ref_.\"id\" = ?1 and "
             "ref_.\"odd \"\" name\" = ?2");
  reference.kind = ReferenceKind::kPostgres;
  reference.table = "shop.customer";
  BOOST_TEST(select_keys(reference, schema, {0}) ==
             "select ref_.\"id\", ref_.\"odd \"\" name\" from \"shop\".\"customer\" as ref_ where (ref_.\"id\") in "
             "(select * from unnest($1::bigint[]))");
  reference.table = "";
  reference.query = " select 1 -- one ;; ";
  BOOST_TEST(relation_of(reference) == "(select 1 -- one\n) as ref_");
}

BOOST_AUTO_TEST_CASE(arrays_hold_any_text) {
  ColumnBuilder texts(kVarchar);
  for (const char* text : {"a", "b\"c", "d\\e", "", "{,}"}) texts.append_bytes(text);
  BOOST_TEST(array_text(texts.finish()) == R"({"a","b\"c","d\\e","","{,}"})");
}

BOOST_AUTO_TEST_CASE(declared_types_mean_what_databases_mean) {
  for (const auto& [declared, type] :
       std::initializer_list<std::pair<const char*, Type>>{{"INTEGER", kBigint},
                                                           {"int unsigned", kBigint},
                                                           {"VARCHAR(20)", kVarchar},
                                                           {"text", kVarchar},
                                                           {"", kVarchar},
                                                           {"DOUBLE", kDouble},
                                                           {"real", kDouble},
                                                           {"BOOLEAN", kBoolean},
                                                           {"timestamp", kTimestamp},
                                                           {"DATETIME", kTimestamp},
                                                           {"date", kDate},
                                                           {"BLOB", kBlob},
                                                           {"JSON", kJson},
                                                           {"numeric", kDouble},
                                                           {"DECIMAL(10, 2)", decimal_type(10, 2)},
                                                           {"interval", kInterval},
                                                           {"whatever", kVarchar}}) {
    BOOST_TEST(to_string(type_of_sqlite(declared)) == to_string(type), declared);
  }
}

BOOST_AUTO_TEST_SUITE_END()
