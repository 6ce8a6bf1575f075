// The stream of a generator: the same whatever makes it.
#include <algorithm>
#include <set>

#include "tests/unit/generate/support.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr char kRows[] = "20000";

std::vector<std::string> whole_stream(std::size_t output, const Values& options, std::uint32_t parallelism) {
  std::vector<std::string> rows;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    Instance instance(options, i, parallelism);
    instance.start();
    Gather out;
    instance.run(out);
    const std::vector<std::string> part = rows_of(out.batches[output]);
    rows.insert(rows.end(), part.begin(), part.end());
  }
  std::ranges::sort(rows);
  return rows;
}

void check_equal_streams(const Values& options) {
  for (std::size_t output = 0; output <= nexmark::kKinds; ++output) {
    const auto alone = whole_stream(output, options, 1);
    BOOST_TEST(!alone.empty());
    BOOST_TEST((alone == whole_stream(output, options, 3)));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nexmark_stream)

BOOST_AUTO_TEST_CASE(three_instances_make_what_one_makes) { check_equal_streams(nexmark_options({{"rows", kRows}})); }

BOOST_AUTO_TEST_CASE(also_out_of_order) { check_equal_streams(nexmark_options({{"rows", kRows}, {"shuffle", "100"}})); }

BOOST_AUTO_TEST_CASE(another_seed_makes_other_events_with_the_same_ids) {
  Gather a;
  Gather b;
  Instance one(nexmark_options({{"rows", "1000"}}));
  Instance two(nexmark_options({{"rows", "1000"}, {"seed", "2"}}));
  one.start();
  one.run(a);
  two.start();
  two.run(b);
  const Batch& person = a.batches[1][0];
  const Batch& other = b.batches[1][0];
  BOOST_REQUIRE(person.rows == other.rows);
  int same = 0;
  for (std::size_t i = 0; i < person.rows; ++i) {
    BOOST_TEST(cell(person.columns[0], i) == cell(other.columns[0], i));
    same += cell(person.columns[3], i) == cell(other.columns[3], i) ? 1 : 0;
  }
  BOOST_TEST(same == 0);
}

BOOST_AUTO_TEST_CASE(the_output_of_all_kinds_holds_the_same_events) {
  Instance instance(nexmark_options({{"rows", "5000"}}));
  instance.start();
  Gather out;
  instance.run(out);
  const Schema& all = *instance.context.outputs[0];
  for (std::size_t kind = 0; kind < nexmark::kKinds; ++kind) {
    const Schema& one = *instance.context.outputs[kind + 1];
    std::vector<std::string> rows;
    for (const Batch& batch : out.batches[0]) {
      for (std::size_t i = 0; i < batch.rows; ++i) {
        if (cell(batch.columns[0], i) != nexmark::kOutputs[kind]) continue;
        std::string& row = rows.emplace_back();
        for (const Field& field : one.fields) row += cell(batch.columns[*all.find(field.name)], i) + "|";
        for (const Field& field : all.fields) {
          if (field.name != "type" && !one.find(field.name)) {
            BOOST_TEST(cell(batch.columns[*all.find(field.name)], i) == "NULL");
          }
        }
      }
    }
    BOOST_TEST((rows == rows_of(out.batches[kind + 1])));
  }
}

BOOST_AUTO_TEST_CASE(an_output_that_nothing_reads_is_not_made) {
  Instance instance(nexmark_options({{"rows", "5000"}}));
  instance.context.outputs[0] = nullptr;
  instance.context.outputs[3] = std::make_shared<const Schema>(*parse_schema("price bigint, date_time timestamp"));
  instance.start();
  Gather out;
  for (const std::size_t unread : {0, 1, 2}) out.unread[unread] = true;
  instance.run(out);
  BOOST_TEST(out.batches.size() == 1);
  BOOST_TEST(out.batches[3][0].columns.size() == 2);
}

BOOST_AUTO_TEST_CASE(it_goes_on_where_a_snapshot_was_taken) {
  const Values options = nexmark_options({{"rows", kRows}});
  Instance first(options);
  first.start();
  Gather out;
  first.poll(out);
  first.poll(out);
  require_ok(first.source->before_snapshot());
  const auto before = rows_of(out.batches[3]).size();
  Gather lost;  // made behind the snapshot, and made again
  first.poll(lost);

  auto again = make_generate(first.context);
  require_ok(again.status());
  first.source = *std::move(again);
  require_ok(first.source->on_restored());
  first.run(out);
  auto rows = rows_of(out.batches[3]);
  BOOST_TEST(rows.size() > before);
  std::ranges::sort(rows);
  BOOST_TEST((rows == whole_stream(3, options, 1)));
}

BOOST_AUTO_TEST_CASE(event_time_is_known_without_being_named) {
  const Values options = nexmark_options();
  const PlanAnswer plan = plan_generate({options, {}, "/", 1, "events"});
  BOOST_REQUIRE(plan.outputs.size() == 4);
  for (const OutputPlan& output : plan.outputs) {
    BOOST_REQUIRE(output.schema.time.has_value());
    BOOST_TEST(output.schema.fields[*output.schema.time].name == "date_time");
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  for (const auto& [option, value] : std::map<std::string, std::string>{
           {"event-rate", "0"}, {"shuffle", "0"}, {"shuffle", "953"}, {"shuffle", "1906"}}) {
    const Values options = nexmark_options({{option, value}});
    const PlanAnswer plan = plan_generate({options, {}, "/", 1, "events"});
    BOOST_REQUIRE(plan.errors.size() == 1);
    BOOST_TEST(plan.errors[0].option == option);
  }
  Values useless;
  useless.set("seed", "1");
  useless.set("event-rate", "100");
  const PlanAnswer plan = plan_generate({useless, {}, "/", 1, "events"});
  BOOST_REQUIRE(plan.errors.size() == 1);
  BOOST_TEST(plan.errors[0].option == "event-rate");
}

BOOST_AUTO_TEST_SUITE_END()
