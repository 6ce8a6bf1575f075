#include "stages/match/match.h"

#include <algorithm>
#include <random>

#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

Schema input_schema() {
  Schema schema = *parse_schema("k bigint, ts timestamp, v bigint, n bigint, unused varchar");
  schema.time = 1;
  return schema;
}

struct Options {
  std::string pattern;
  std::vector<SelectItem> define;
  std::vector<SelectItem> measures;
  std::string within = {};
  std::string skip = "past-last-row";
  std::string rows = "one";
  std::string order = {};
  bool by = true;
};

Values values_of(const Options& options) {
  Values values;
  values.set("pattern", options.pattern);
  if (options.by) values.set("by", std::vector<std::string>{"k"});
  if (!options.define.empty()) values.set("define", options.define);
  if (!options.measures.empty()) values.set("measures", options.measures);
  if (!options.within.empty()) values.set("within", options.within);
  if (!options.order.empty()) values.set("order", options.order);
  values.set("skip", options.skip);
  values.set("rows", options.rows);
  return values;
}

struct Rig {
  explicit Rig(const Options& options, std::uint32_t parallelism = 1)
      : rig(plan_match, Match::make, values_of(options), {{"in", input_schema()}}, parallelism) {}

  void row(std::int64_t k, std::int64_t seconds, std::int64_t v, std::int64_t n = 0) {
    BatchBuilder builder(rig.input(0));
    const auto set = [&](const char* name, std::int64_t value) {
      if (const auto column = rig.input(0)->find(name)) builder.column(*column).append(value);
    };
    set("k", k);
    set("ts", seconds * kSecond);
    set("v", v);
    set("n", n);
    if (const auto column = rig.input(0)->find("unused")) builder.column(*column).append_bytes("x");
    builder.end_row();
    rig.batch(0, builder.finish(), out);
  }
  void watermark(std::int64_t seconds) { rig.watermark(seconds * kSecond, out); }
  std::vector<std::string> take() {
    std::vector<std::string> rows(out.rows.begin(), out.rows.end());
    out.rows.clear();
    return rows;
  }

  OperatorRig rig;
  Emitted out;
};

using Texts = std::vector<std::string>;

const Options kSmallThenBig = {"small{2,} big",
                               {{"small", "v < 10"}, {"big", "v > 100 and v > 20 * avg(small.v)"}},
                               {{"tries", "count(small.*)"}, {"amount", "big.v"}, {"at", "match_rowtime()"}},
                               "10s"};

std::string refused(const Options& options, Schema input = input_schema()) {
  const Values values = values_of(options);
  const PlanAnswer answer = plan_match({values, {{"in", std::move(input)}}, "/", 1, "stage"});
  BOOST_REQUIRE(answer.errors.size() == 1);
  return answer.errors[0].option + ": " + answer.errors[0].message;
}

// What random rows give; with a seed of its own for when to start anew.
std::multiset<std::string> run_random(const Options& options, std::uint64_t seed, std::uint64_t restarts,
                                      std::size_t* left) {
  std::mt19937_64 random(seed);
  std::mt19937_64 chance(restarts);
  Rig rig(options, restarts != 0 && options.by ? 2 : 1);
  std::int64_t number = 0;
  for (std::int64_t step = 0; step < 60; ++step) {
    for (std::uint64_t i = random() % 6; i > 0; --i, ++number) {
      rig.row(static_cast<std::int64_t>(random() % 4), step + static_cast<std::int64_t>(random() % 5),
              static_cast<std::int64_t>(random() % 10), number);
    }
    if (random() % 2 == 0) rig.watermark(step);
    if (restarts != 0 && chance() % 4 == 0) {
      rig.rig.restart(options.by ? 1 + static_cast<std::uint32_t>(chance() % 3) : 1, rig.out);
    }
  }
  rig.rig.end(rig.out);
  BOOST_TEST(rig.out.late == 0);
  *left = rig.rig.state_rows();
  std::multiset<std::string> out(rig.out.rows.begin(), rig.out.rows.end());
  for (const std::string& reason : rig.out.bad) out.insert("bad: " + reason);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(match)

BOOST_AUTO_TEST_CASE(rows_are_matched_in_the_order_of_event_time_once_the_watermark_is_past) {
  Rig rig(kSmallThenBig);
  rig.row(1, 3, 500);
  rig.row(1, 1, 3);
  rig.row(2, 1, 3);
  rig.row(1, 2, 5);
  BOOST_TEST(rig.take().empty());
  rig.watermark(3);
  BOOST_TEST(rig.take().empty());  // a row of 3 s may still come
  rig.watermark(4);
  BOOST_TEST(rig.take() == Texts({"1|2|500|3000000"}), boost::test_tools::per_element());
  BOOST_TEST(rig.rig.state_rows() == 1);  // the open one of key 2
  rig.watermark(10);
  BOOST_TEST(rig.rig.state_rows() == 1);
  rig.watermark(11);  // nothing within 10 s of it can come
  BOOST_TEST(rig.rig.state_rows() == 0);
}

BOOST_AUTO_TEST_CASE(late_rows_and_rows_without_a_time_are_told_apart) {
  Rig rig(kSmallThenBig);
  rig.watermark(5);
  rig.row(1, 4, 3, 7);
  rig.row(1, 5, 3);
  BOOST_TEST(rig.out.late == 1);
  BOOST_REQUIRE(rig.out.named[kMatchLate].size() == 1);
  BOOST_TEST(rig.out.named[kMatchLate][0] == "1|4000000|3");
  BOOST_TEST(rig.rig.state_rows() == 1);
}

BOOST_AUTO_TEST_CASE(rows_of_one_time_are_in_their_order_then_as_they_came) {
  for (const char* order : {"", "n", "ts, n desc"}) {
    Rig rig(
        {"A B", {{"A", "v = 1"}, {"B", "v = 2"}}, {{"a", "A.n"}, {"b", "B.n"}}, "10s", "past-last-row", "one", order});
    rig.row(1, 1, 1, 5);
    rig.row(1, 1, 2, 3);
    rig.watermark(20);
    const bool backwards = std::string_view(order) == "n";
    BOOST_TEST(rig.take().size() == (backwards ? 0 : 1), order);
  }
}

BOOST_AUTO_TEST_CASE(all_rows_carry_the_measures_up_to_there) {
  Rig rig({"A B+",
           {{"B", "v > A.v"}},
           {{"sum", "sum(B.v)"}, {"what", "classifier()"}, {"first_v", "A.v"}},
           "1m",
           "past-last-row",
           "all"});
  rig.row(1, 1, 2, 1);
  rig.row(1, 2, 3, 2);
  rig.row(1, 3, 4, 3);
  rig.row(1, 4, 1, 4);
  rig.watermark(5);
  BOOST_TEST(rig.take() == Texts({"1|1000000|2|1|x|NULL|A|2", "1|2000000|3|2|x|3|B|2", "1|3000000|4|3|x|7|B|2"}),
             boost::test_tools::per_element());
  BOOST_TEST((rig.rig.answer().outputs[0].schema.time == 1));
}

BOOST_AUTO_TEST_CASE(what_is_looked_back_at_stays_and_nothing_else) {
  Rig rig({"A", {{"A", "v > prev(v, 2)"}}, {{"before", "prev(A.v, 2)"}, {"v", "A.v"}}, "1m"});
  for (std::int64_t i = 0; i < 10; ++i) rig.row(1, i, i % 3 == 0 ? 9 : i);
  rig.watermark(20);
  const Texts found = rig.take();
  BOOST_TEST(rig.rig.state_rows() == 2);
  rig.rig.restart(2, rig.out);
  rig.row(1, 30, 100);
  rig.watermark(40);
  BOOST_TEST(rig.take() == Texts({"1|8|100"}), boost::test_tools::per_element());
  BOOST_TEST(found.size() == 5);
}

BOOST_AUTO_TEST_CASE(the_watermark_waits_for_matches_that_may_come) {
  Rig rig(kSmallThenBig);
  StateStore store;
  const Values values = values_of(kSmallThenBig);
  const PlanAnswer answer = plan_match({values, {{"in", input_schema()}}, "/", 1, "stage"});
  BOOST_TEST((answer.outputs[0].schema.time == 3));
  BOOST_TEST(answer.warnings.empty());
  PlanError error;
  Match match(*design_match(values, *rig.rig.input(0), "stage", &error), store,
              std::make_shared<const Schema>(answer.outputs[0].schema), nullptr);
  BOOST_TEST(match.output_watermark(20 * kSecond) == 10 * kSecond);  // not looked at the state yet
  Emitted out;
  must(match.on_watermark(20 * kSecond, out));
  BOOST_TEST(match.output_watermark(20 * kSecond) == 20 * kSecond);
  BatchBuilder builder(rig.rig.input(0));
  builder.column(0).append(std::int64_t{1});
  builder.column(1).append(25 * kSecond);
  builder.column(2).append(std::int64_t{1});
  builder.end_row();
  must(match.on_batch(0, builder.finish(), out));
  for (const std::int64_t at : {24, 26, 34, 35}) {
    must(match.on_watermark(at * kSecond, out));
    BOOST_TEST(match.output_watermark(at * kSecond) == (at < 25 || at == 35 ? at : 25) * kSecond);
  }
  BOOST_TEST(match.output_watermark(kEndOfTime) == kEndOfTime);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_computed_is_reported_once) {
  // Of the row alone: it is left out.
  Rig alone({"A B", {{"A", "10 / v > 1"}, {"B", "v > 0"}}, {{"n", "B.n"}}, "1m"});
  alone.row(1, 1, 2, 1);
  alone.row(1, 2, 0, 2);
  alone.row(1, 3, 3, 3);
  alone.watermark(10);
  BOOST_TEST(alone.out.bad == Texts({"division by zero"}), boost::test_tools::per_element());
  BOOST_TEST(alone.take() == Texts({"1|3"}), boost::test_tools::per_element());
  // What is kept for the rows of a variable is not asked of others.
  Rig kept({"A B", {{"A", "v = 0"}, {"B", "v = 2"}}, {{"sum", "sum(10 / B.v)"}}, "1m"});
  kept.row(1, 1, 0, 1);
  kept.row(1, 2, 2, 2);
  kept.watermark(10);
  BOOST_TEST(kept.out.bad.empty());
  BOOST_TEST(kept.take() == Texts({"1|5"}), boost::test_tools::per_element());
  // Compared with others: not met, and the row stays.
  Rig compared({"A B* C", {{"A", "v = 0"}, {"B", "v / A.v > 0"}, {"C", "v > 5"}}, {{"n", "C.n"}}, "1m", "to-next-row"});
  compared.row(1, 1, 0, 1);
  compared.row(1, 2, 7, 2);
  compared.watermark(3);
  compared.rig.restart(1, compared.out);
  BOOST_TEST(compared.out.bad == Texts({"division by zero"}), boost::test_tools::per_element());
  BOOST_TEST(compared.take() == Texts({"1|2"}), boost::test_tools::per_element());
  // Of the match: there is none.
  Rig measured({"A B", {{"A", "v = 1"}}, {{"n", "A.n / B.v"}, {"w", "sum(n + 9223372036854775800)"}}, "1m"});
  measured.row(1, 1, 1, 1);
  measured.row(1, 2, 0, 2);
  measured.watermark(3);
  BOOST_TEST(measured.out.bad.size() == 1);
  BOOST_TEST(measured.take().empty());
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_is_needed_and_refuses_what_is_wrong) {
  Rig rig(kSmallThenBig);
  const PlanAnswer& answer = rig.rig.answer();
  BOOST_TEST(answer.inputs[0].needs == Texts({"k", "ts", "v"}), boost::test_tools::per_element());
  BOOST_TEST((answer.inputs[0].partition == Partition::kHash));
  BOOST_TEST(answer.state[0].definition ==
             "rows of small{2,} big, define v < 10 as small, v > 100 and v > 20 * avg(small.v) as big, measures "
             "count(small.*) as tries, big.v as amount, match_rowtime() as at, within 10s");
  Options options = kSmallThenBig;
  options.within = "";
  Rig unbounded(options);
  BOOST_TEST(unbounded.rig.answer().warnings.size() == 1);
  BOOST_TEST((unbounded.rig.answer().outputs[0].schema.time == std::nullopt));

  const auto with = [](auto change) {
    Options changed = kSmallThenBig;
    change(changed);
    return refused(changed);
  };
  BOOST_TEST(with([](Options& o) { o.pattern = "small*"; }) == "pattern: the pattern may match no row at all");
  BOOST_TEST(with([](Options& o) { o.pattern = "small"; }) == "define: the pattern has no variable 'big'");
  BOOST_TEST(with([](Options& o) { o.within = "0s"; }) == "within: a match cannot last less than no time");
  BOOST_TEST(with([](Options& o) { o.skip = "to-end"; }) == "skip: 'to-end' is none of the ways to go on");
  BOOST_TEST(with([](Options& o) { o.skip = "to-last bigg"; }) == "skip: the pattern has no variable 'bigg'");
  BOOST_TEST(with([](Options& o) { o.skip = "to-first small"; }) ==
             "skip: every match begins with 'small': the same would be found for ever");
  BOOST_TEST(with([](Options& o) { o.order = "ts desc"; }) == "order: event time only goes forward");
  BOOST_TEST(with([](Options& o) { o.measures[0].name = "k"; }) == "measures: two columns are called 'k'");
  BOOST_TEST(with([](Options& o) { o.measures[0].name = "at"; }) == "measures: two columns are called 'at'");
  Schema input = input_schema();
  input.time.reset();
  BOOST_TEST(refused(kSmallThenBig, input) == ": rows are matched in the order of event time, and the input has none");
  input = input_schema();
  input.changelog = Changelog::kUpdates;
  BOOST_TEST(refused(kSmallThenBig, input) ==
             ": the input's rows may be taken back, and a match that was given cannot be");
}

// Whatever is started anew, with however many instances, gives what an undisturbed run gives.
BOOST_AUTO_TEST_CASE(matches_do_not_depend_on_restarts) {
  const std::vector<SelectItem> measures = {
      {"b", "first(n)"}, {"e", "last(n)"}, {"sum", "sum(B.v)"}, {"what", "classifier()"}};
  const std::vector<Options> all = {
      {"A B* C", {{"A", "v < 5"}, {"B", "v < 9"}, {"C", "v > 4"}}, measures, "8s"},
      {"A B* C", {{"A", "v < 5"}, {"B", "v < 9"}, {"C", "v > 4"}}, measures, ""},
      {"A B+", {{"B", "v >= coalesce(last(B.v, 1), A.v)"}}, measures, "20s", "to-next-row"},
      {"A{1,3} B+? C", {{"B", "sum(B.v) < 12"}, {"C", "v > avg(A.v)"}}, measures, "9s", "to-last B"},
      {"A (B | C)+ A", {{"A", "v < 4"}, {"B", "v > 2"}, {"C", "v < 8 and count(B.*) > 0"}}, measures, "9s"},
      {"A B",
       {{"B", "v > prev(v) and v > prev(A.v, 2)"}},
       {{"b", "A.n"}, {"p", "prev(A.v, 2)"}, {"e", "B.n"}, {"s", "10 / A.v"}},
       "5s"},
      {"A B* C", {{"A", "v < 5"}, {"B", "v < 9"}, {"C", "v > 4"}}, measures, "8s", "past-last-row", "all"},
      {"A B* C",
       {{"A", "v < 2"}, {"B", "10 / (v - A.v) < 9"}, {"C", "v > 7"}},
       measures,
       "6s",
       "past-last-row",
       "one",
       "n desc"},
      {"A B{2,5} C", {{"A", "v < 5"}, {"C", "v > B.v"}}, measures, "4s", "past-last-row", "one", "", false},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      BOOST_TEST_CONTEXT("pattern " << i << ", seed " << seed) {
        std::size_t left = 0;
        const auto undisturbed = run_random(all[i], seed, 0, &left);
        BOOST_TEST(undisturbed.size() > 5);
        BOOST_TEST(left == (i == 5 ? 8 : 0));  // two rows looked back at of each of four keys
        BOOST_TEST(run_random(all[i], seed, seed * 31 + i, &left) == undisturbed, boost::test_tools::per_element());
        BOOST_TEST(left == (i == 5 ? 8 : 0));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
