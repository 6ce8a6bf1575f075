#include <boost/test/unit_test.hpp>

#include "stages/expression/select_list.h"
#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

namespace {

const Schema& orders() {
  static const Schema schema = *parse_schema("host varchar, ms bigint, price decimal(10,2), qty bigint, payload json");
  return schema;
}

using Items = std::vector<SelectText>;

std::string names(const Items& items, std::span<const InputColumns> inputs = {}) {
  SelectError error;
  const auto columns = compile_select(items, orders(), &error, inputs);
  if (!columns)
    return std::to_string(error.item) + "@" + std::to_string(error.error.offset) + " " + error.error.message;
  std::string out;
  for (const SelectedColumn& column : *columns) out += (out.empty() ? "" : " ") + column.name;
  return out;
}

std::string aggregate_error(const Items& items, std::vector<std::size_t> by = {0}) {
  SelectError error;
  if (compile_aggregates(items, orders(), by, &error)) return "";
  return std::to_string(error.item) + "@" + std::to_string(error.error.offset) + " " + error.error.message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(select_list)

BOOST_AUTO_TEST_CASE(items_get_the_names_postgresql_gives) {
  BOOST_TEST(names({{"", "*, price * qty as Total"}}) == "host ms price qty payload Total");
  BOOST_TEST(names({{"", "HOST, lower(host), ms + 1, ms::varchar as m, case when true then 1 end"}}) ==
             "host lower column_3 m case");
  BOOST_TEST(names({{"", "payload ->> 'user', payload.city, ms \"My Name\""}}) == "user city My Name");
  BOOST_TEST(names({{"a", "ms"}, {"b", "ms + 1"}}) == "a b");
  const std::vector<InputColumns> inputs = {{"o", 0, 2}, {"p", 2, 3}};
  BOOST_TEST(names({{"", "o.*, p.price as paid"}}, inputs) == "host ms paid");
}

BOOST_AUTO_TEST_CASE(errors_name_the_item_and_the_place) {
  BOOST_TEST(names({{"", "ms"}, {"", "qty, hots"}}) == "1@5 no column 'hots'");
  BOOST_TEST(names({{"", "ms, qty as ms"}}) == "0@4 two columns are called 'ms'");
  BOOST_TEST(names({{"a", "ms, qty"}}) == "0@4 'a' needs one expression, not a list");
  BOOST_TEST(names({{"", "x.*"}}) == "0@0 no input 'x'");
  BOOST_TEST(names({{"", "ms as a b"}}).starts_with("0@8 syntax error"));
}

BOOST_AUTO_TEST_CASE(lineage_lists_the_columns_used) {
  const Items items = {{"", "price * qty + qty as total"}};
  const auto columns = compile_select(items, orders(), nullptr);
  const std::vector<std::size_t> expected = {2, 3};
  BOOST_TEST((*columns)[0].lineage == expected, boost::test_tools::per_element());
  BOOST_TEST((*columns)[0].expression.text() == "price * qty + qty");
}

BOOST_AUTO_TEST_CASE(aggregates_are_separated_from_what_is_made_of_them) {
  const Items items = {
      {"", "count(*) as errors, max(ms) as slowest, coalesce(max(ms), 0) as m, sum(ms) / count(*), upper(host) as h"},
      {"big", "count(distinct ms) filter (where qty > 1)"}};
  const std::vector<std::size_t> by = {0};
  const auto result = compile_aggregates(items, orders(), by, nullptr);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->calls.size() == 4u);  // count(*) and max(ms) are shared
  BOOST_TEST(result->calls[1].text == "max(ms)");
  BOOST_TEST(!result->calls[0].argument.has_value());
  BOOST_TEST(result->calls[3].distinct);
  BOOST_TEST(result->calls[3].filter.has_value());
  BOOST_TEST(to_string(result->schema) ==
             "host varchar, aggregate_0 bigint, aggregate_1 bigint, aggregate_2 bigint, aggregate_3 bigint");
  std::string all;
  for (const AggregateOutput& output : result->outputs) all += output.name + " ";
  BOOST_TEST(all == "errors slowest m column_4 h big ");
  const std::vector<std::size_t> lineage = {1, 3};
  BOOST_TEST(result->outputs[5].lineage == lineage, boost::test_tools::per_element());
  Batch batch = batch_of("host varchar, a bigint, b bigint, c bigint, d bigint", {{"x", "2", "\\N", "10", "1"}});
  std::vector<RowError> errors;
  BOOST_TEST(result->outputs[2].expression.evaluate(batch, &errors).value<std::int64_t>(0) == 0);
  BOOST_TEST(result->outputs[3].expression.evaluate(batch, &errors).value<std::int64_t>(0) == 5);
  BOOST_TEST(result->outputs[4].expression.evaluate(batch, &errors).bytes(0) == "X");
}

BOOST_AUTO_TEST_CASE(aggregate_types_are_as_documented) {
  const Items items = {{"", "sum(ms), sum(price) as p, avg(ms), avg(price) as ap, min(host), count(host)"}};
  const auto result = compile_aggregates(items, orders(), {}, nullptr);
  std::string types;
  for (const AggregateCall& call : result->calls) types += to_string(call.result_type) + " ";
  BOOST_TEST(types == "BIGINT DECIMAL(38,2) DOUBLE DECIMAL(38,16) VARCHAR BIGINT ");
}

BOOST_AUTO_TEST_CASE(wrong_aggregates_are_refused) {
  BOOST_TEST(aggregate_error({{"", "ms"}}) == "0@0 column 'ms' is neither in 'by' nor inside an aggregate");
  BOOST_TEST(aggregate_error({{"", "count(*) + ms as x"}}) ==
             "0@11 column 'ms' is neither in 'by' nor inside an aggregate");
  BOOST_TEST(aggregate_error({{"", "nothing(ms)"}}) == "0@0 no function nothing()");
  BOOST_TEST(aggregate_error({{"", "sum(count(*))"}}) == "0@4 aggregates cannot be nested");
  BOOST_TEST(aggregate_error({{"", "sum(host)"}}) == "0@0 no aggregate sum(VARCHAR)");
  BOOST_TEST(aggregate_error({{"", "sum(*)"}}) == "0@0 sum() needs one argument");
  BOOST_TEST(aggregate_error({{"", "lower(host) filter (where true)"}}) == "0@0 lower() is not an aggregate");
  BOOST_TEST(aggregate_error({{"", "count(*) over ()"}}) == "0@0 window functions are not supported");
  BOOST_TEST(aggregate_error({{"", "count(*) as host"}}) == "0@0 two columns are called 'host'");
  BOOST_TEST(aggregate_error({{"", "host, count(*)"}}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
