#include "stages/kit/state_names.h"
#include "stages/select/select.h"
#include "tests/unit/aggregate/model.h"

using namespace stream;
using namespace stream::test;

namespace {

PlanAnswer plan(const Options& options, const Schema& schema, bool supervised = true) {
  const Values values = options.values();
  return plan_aggregate({values, {{"in", schema}}, "/", 1, "per-minute", supervised});
}

std::string error(const Options& options, const Schema& schema = record_schema()) {
  const PlanAnswer answer = plan(options, schema);
  BOOST_REQUIRE(answer.errors.size() == 1);
  return answer.errors[0].option + ": " + answer.errors[0].message;
}

Options windowed(const std::string& window) {
  Options options{.compute = "count(*)"};
  options.window = window;
  return options;
}

PlanAnswer plan_of_select(const std::string& columns, const Schema& schema) {
  Values values;
  values.set("columns", std::vector<SelectItem>{{"", columns}});
  return plan_select({values, {{"in", schema}}, "/", 1, "select"});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_answers)

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_exactly) {
  Schema timeless = record_schema();
  timeless.time.reset();
  const Schema changing = record_schema(Changelog::kUpdates);
  BOOST_TEST(error({.compute = "count(*)", .by = {"kk"}}) == "by: no column 'kk'");
  BOOST_TEST(error({.compute = "count(*)", .by = {"k", "k"}}) == "by: 'k' stands twice");
  BOOST_TEST(error(windowed("tumble 1m"), timeless) == "window: a window needs event time, and the input has none");
  BOOST_TEST(error({.compute = "count(*)", .lateness = "1m"}) ==
             "lateness: there is no window that could be kept for late rows");
  BOOST_TEST(error({.compute = "count(*)", .zone = "Asia/Tokyo"}) ==
             "zone: there is no window that could be aligned to a zone");
  Options zoned = windowed("tumble 7m");
  zoned.zone = "Asia/Tokyo";
  BOOST_TEST(error(zoned) == "zone: in a zone a window must be whole days or a part that divides a day");
  Options early = windowed("tumble 1m");
  early.emit = "updates";
  BOOST_TEST(error(early) == "emit: a window is emitted when it is complete, not at every change");
  Options taken = windowed("tumble 1m");
  taken.compute = "count(*) as window_end";
  BOOST_TEST(error(taken) == "compute: 'window_end' is the name of a column the window adds");
  Options session = windowed("session 1m");
  BOOST_TEST(error(session, changing) ==
             "window: rows that may be taken back make no sessions: what they held together cannot be told");
  session.lateness = "1s";
  BOOST_TEST(error(session) == "lateness: a session is closed when its gap is over");
  session.lateness = "0s";
  session.zone = "Asia/Tokyo";
  BOOST_TEST(error(session) == "zone: sessions begin with a row: they align to no zone");
  Options count = windowed("count 10");
  BOOST_TEST(error(count, changing) == "window: rows that may be taken back cannot be counted into windows");
  count.emit = "updates";
  BOOST_TEST(error(count) == "emit: a window is emitted when it is complete, not at every change");
  count.lateness = "1s";
  BOOST_TEST(error(count) == "lateness: rows are counted as they come: none is late");
  Options clock = windowed("tumble 1m");
  clock.clock = "processing";
  BOOST_TEST(error(clock, changing) ==
             "clock: rows that may be taken back would be taken from other windows than they came to");
  clock.lateness = "1s";
  BOOST_TEST(error(clock) == "lateness: a row is never later than the time at which it comes");
  clock.window = "";
  clock.lateness = "0s";
  BOOST_TEST(error(clock) == "clock: there is no window that could go by a clock");
  Options hop = windowed("hop 5m every 2m");
  hop.zone = "Asia/Tokyo";
  BOOST_TEST(error(hop) == "zone: in a zone the length of a hopping window must be a multiple of its step");
  BOOST_TEST(error({.compute = "last(v)"}, changing) ==
             "compute: last(v) cannot be kept where rows are taken back: the input's rows may change");
}

BOOST_AUTO_TEST_CASE(the_state_table_reads_like_the_output) {
  Options options{.compute = "count(*) as n, avg(v) as mean, sum(m) + 1 as more, count(distinct s) as texts",
                  .by = {"k"}};
  options.window = "tumble 1m";
  options.lateness = "1h";
  const PlanAnswer answer = plan(options, record_schema());
  BOOST_REQUIRE(answer.errors.empty());
  BOOST_REQUIRE(answer.state.size() == 2);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < answer.state[0].columns(); ++i) names.push_back(answer.state[0].field(i).name);
  BOOST_TEST(answer.state[0].name == "per_minute");
  BOOST_TEST(names == std::vector<std::string>(
                          {"k", "window_start", "n", "mean_sum", "mean_count", "sum_m", "texts", "fired"}),
             boost::test_tools::per_element());
  BOOST_TEST(answer.state[0].group_columns == 1);
  BOOST_TEST(answer.state[1].name == "per_minute_distinct_s");
  BOOST_TEST((answer.state[1].value == std::vector<Field>({{"texts", kBoolean}})));
  BOOST_TEST(answer.state[1].ordered == "window_start");
  BOOST_TEST(answer.outputs[0].schema.names() ==
                 std::vector<std::string>({"k", "window_start", "window_end", "n", "mean", "more", "texts"}),
             boost::test_tools::per_element());
  BOOST_TEST(answer.outputs[0].schema.key == std::vector<std::size_t>({0, 1}), boost::test_tools::per_element());
  BOOST_TEST((answer.outputs[0].schema.time == 1U));
  BOOST_TEST((answer.outputs[0].schema.changelog == Changelog::kUpdates));
  BOOST_TEST(answer.outputs[1].name == "late");
  BOOST_TEST(answer.inputs[0].needs == std::vector<std::string>({"k", "s", "v", "m", "ts"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(calls_that_count_the_same_values_share_a_table) {
  Options options{.compute =
                      "count(distinct v) as a, count(DISTINCT  v) filter (where f) as b, sum(distinct v) as c, "
                      "count(distinct v + 1) as d, string_agg(distinct s, ',') as e",
                  .by = {"k"}};
  const PlanAnswer answer = plan(options, record_schema());
  BOOST_REQUIRE(answer.errors.empty());
  BOOST_REQUIRE(answer.state.size() == 4);
  BOOST_TEST(answer.state[1].name == "per_minute_distinct_v");
  BOOST_TEST(answer.state[1].definition == "distinct v");
  BOOST_TEST((answer.state[1].value == std::vector<Field>({{"a", kBoolean}, {"b", kBoolean}, {"c", kBoolean}})));
  BOOST_TEST(answer.state[1].definition_of(3) == "count(distinct v) filter(where f)");
  BOOST_TEST(answer.state[2].name == "per_minute_distinct_v_1");
  BOOST_TEST(answer.state[3].name == "per_minute_e");
}

BOOST_AUTO_TEST_CASE(keys_and_times_of_windows_are_those_of_their_kind) {
  const auto output = [](const std::string& window) {
    Options options = windowed(window);
    options.by = {"k"};
    return plan(options, record_schema()).outputs.at(0).schema;
  };
  BOOST_TEST(output("hop 1m every 10s").key == std::vector<std::size_t>({0, 1}), boost::test_tools::per_element());
  BOOST_TEST(output("cumulate 1m every 10s").key == std::vector<std::size_t>({0, 1, 2}),
             boost::test_tools::per_element());
  BOOST_TEST(output("session 1m").key == std::vector<std::size_t>({0, 1}), boost::test_tools::per_element());
  BOOST_TEST(output("count 10").key.empty());
  BOOST_TEST(output("count 10").names() == std::vector<std::string>({"k", "count"}), boost::test_tools::per_element());
  BOOST_TEST((output("cumulate 1m every 10s").time == 1U));
  BOOST_TEST(!output("count 10").time.has_value());
  BOOST_TEST((output("session 1m").time == 2U));
}

BOOST_AUTO_TEST_CASE(state_of_another_window_is_not_taken_for_this_one) {
  std::set<std::string> definitions;
  for (const std::string window : {"tumble 1m", "hop 1m every 10s", "hop 1m every 20s", "hop 2m every 10s",
                                   "cumulate 1m every 10s", "session 1m", "session 2m", "count 1", "count 2"}) {
    Options options = windowed(window);
    options.compute = "count(distinct v)";
    for (const TableSpec& spec : plan(options, record_schema()).state)
      BOOST_TEST(definitions.insert(spec.name + ": " + spec.definition).second);
  }
}

BOOST_AUTO_TEST_CASE(names_in_the_state_stay_apart_from_what_is_computed) {
  Schema schema = *parse_schema("overflow bigint, session bigint, slice_start bigint, all_rows bigint, ts timestamp");
  schema.time = 4;
  for (const std::string window : {"hop 1m every 10s", "session 1m"}) {
    for (const std::vector<std::string>& by : {std::vector<std::string>{}, {"overflow", "session", "slice_start"}}) {
      Options options{.compute = "sum(all_rows) as all_rows, count(*) as due, count(distinct ts) as fired", .by = by};
      options.window = window;
      Running running(options, schema);
      for (const TableSpec& spec : running.plan().state) require_ok(check_spec(spec));
    }
  }
}

BOOST_AUTO_TEST_CASE(updates_are_emitted_in_a_job_and_final_rows_outside) {
  const Options options{.compute = "count(*)"};
  BOOST_TEST((plan(options, record_schema()).outputs[0].schema.changelog == Changelog::kUpdates));
  BOOST_TEST((plan(options, record_schema(), false).outputs[0].schema.changelog == Changelog::kAppend));
  BOOST_TEST((plan(options, record_schema()).inputs[0].partition == Partition::kSingle));
  BOOST_TEST(plan(options, record_schema()).parallelism_max == 1);
}

BOOST_AUTO_TEST_CASE(names_of_state_tables_are_valid_whatever_the_stage_is_called) {
  BOOST_TEST(state_table_name("per-minute") == "per_minute");
  BOOST_TEST(state_table_name("9lives") == "s_9lives");
  BOOST_TEST(state_table_name("geo/lookup") == "geo_lookup");
}

BOOST_AUTO_TEST_CASE(select_keeps_time_and_key_where_their_columns_stay) {
  Schema schema = record_schema();
  schema.key = {0, 1};
  const PlanAnswer whole = plan_of_select("s, ts as at, k, v + 1 as w", schema);
  BOOST_TEST((whole.outputs[0].schema.time == 1U));
  BOOST_TEST(whole.outputs[0].schema.key == std::vector<std::size_t>({2, 0}), boost::test_tools::per_element());
  const PlanAnswer part = plan_of_select("k, ts + interval '1 hour' as at", schema);
  BOOST_TEST(!part.outputs[0].schema.time.has_value());
  BOOST_TEST(part.outputs[0].schema.key.empty());
}

BOOST_AUTO_TEST_CASE(select_computes_only_what_is_read_from_the_columns_that_are_there) {
  Values values;
  values.set("columns", std::vector<SelectItem>{{"", "upper(s) as u, 10 / v as q, k + 1 as next"}});
  const auto input = std::make_shared<const Schema>(*parse_schema("v bigint"));
  const auto output = std::make_shared<const Schema>(*parse_schema("q bigint"));
  StateStore store;
  Context context{values, "/", {input}, {output}, store, system_clock(), "", "select", ""};
  const auto op = take(Select::make(context));
  BatchBuilder builder(input);
  for (const std::int64_t v : {5, 0, 2}) {
    builder.column(0).append(v);
    builder.end_row();
  }
  Gather out;
  require_ok(op->on_batch(0, builder.finish(), out));
  BOOST_TEST(out.log == std::vector<std::string>({"+2", "+5"}), boost::test_tools::per_element());
  BOOST_TEST(out.bad == std::vector<std::string>({"division by zero"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
