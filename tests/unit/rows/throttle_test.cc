#include "stages/throttle/throttle.h"

#include "snapshot/state_store.h"
#include "tests/unit/rows/support.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

class TestClock final : public Clock {
 public:
  Microseconds wall_us() const override { return now; }
  Microseconds monotonic_us() const override { return now; }
  Microseconds now = 1'000 * kSecond;
};

// Keeps the order in which rows come.
class InOrder final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t) override {
    for (std::size_t i = 0; i < batch.rows; ++i) rows.push_back(batch.columns[0].value<std::int64_t>(i));
    return {};
  }
  Status bad_record(BadRecord) override { return {}; }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return false; }
  std::vector<std::int64_t> rows;
};

// One instance of several, with a life after its snapshot.
struct Life {
  TestClock& clock;
  SchemaPtr schema = std::make_shared<const Schema>(*parse_schema("n bigint"));
  Values values;
  StateStore store;
  Context context;
  std::unique_ptr<Operator> op;
  InOrder out;

  Life(TestClock& time, const std::string& rate, std::uint32_t instance = 0, std::uint32_t parallelism = 1)
      : clock(time), store({instance, parallelism}), context{values, "/", {schema}, {schema}, store,
                                                             clock,  "",  "s",      ""} {
    values.set("rate", rate);
    context.instance = instance;
    context.parallelism = parallelism;
    op = must(Throttle::make(context));
  }
  void give(int begin, int end) {
    BatchBuilder builder(schema);
    for (std::int64_t n = begin; n < end; ++n) {
      builder.column(0).append(n);
      builder.end_row();
    }
    must(op->on_batch(0, builder.finish(), out));
  }
  // What a loop does: sleeps until it is due.
  void run_until(Microseconds time) {
    while (op->due() && *op->due() <= time) {
      clock.now = std::max(clock.now, *op->due());
      must(op->on_time(clock.now, out));
    }
    clock.now = time;
  }
};

Values rate(const std::string& text) {
  Values values;
  values.set("rate", text);
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_more_rows_go_than_the_rate_allows_and_in_their_order) {
  for (const auto& [text, a_second] : {std::pair{"10", 10}, {"1000", 1000}, {"0.5", 0}}) {
    TestClock clock;
    Life life(clock, text);
    life.give(0, 4000);
    std::size_t before = life.out.rows.size();
    for (int second = 1; second <= 3; ++second) {
      life.run_until((1'000 + second) * kSecond);
      const auto went = static_cast<int>(life.out.rows.size() - before);
      BOOST_TEST((went >= a_second - 1 && went <= a_second + 1));
      before = life.out.rows.size();
    }
    for (std::size_t i = 0; i < life.out.rows.size(); ++i)
      BOOST_TEST_REQUIRE(life.out.rows[i] == static_cast<std::int64_t>(i));
  }
}

BOOST_AUTO_TEST_CASE(instances_share_the_rate) {
  TestClock clock;
  Life life(clock, "100", 1, 4);
  life.give(0, 1000);
  life.run_until(1'002 * kSecond);
  BOOST_TEST((life.out.rows.size() >= 49 && life.out.rows.size() <= 52));
}

BOOST_AUTO_TEST_CASE(a_pause_does_not_save_up_rows) {
  TestClock clock;
  Life life(clock, "100");
  life.give(0, 1);
  life.run_until(2'000 * kSecond);
  life.give(1, 1000);
  BOOST_TEST(life.out.rows.size() == 11U);  // a tenth of a second's
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_put_back_stops_nothing) {
  TestClock clock;
  Life life(clock, "10");
  life.give(0, 100);
  clock.now -= 500 * kSecond;
  must(life.op->on_time(clock.now, life.out));
  const std::size_t before = life.out.rows.size();
  life.run_until(clock.now + 2 * kSecond);
  BOOST_TEST((life.out.rows.size() >= before + 19 && life.out.rows.size() <= before + 21));
}

BOOST_AUTO_TEST_CASE(event_time_waits_with_the_rows_in_front_of_it) {
  TestClock clock;
  Life life(clock, "10");
  life.give(0, 3);
  must(life.op->on_watermark(50, life.out));
  life.give(3, 4);
  must(life.op->on_watermark(70, life.out));
  BOOST_TEST(life.op->kept_batches() == 2U);
  BOOST_TEST(life.op->output_watermark(70) == kNoWatermark);
  life.run_until(1'000 * kSecond + 250'000);
  BOOST_TEST(life.out.rows.size() == 3U);
  BOOST_TEST(life.op->kept_batches() == 1U);
  BOOST_TEST(life.op->output_watermark(70) == 50);
  life.run_until(1'001 * kSecond);
  BOOST_TEST(life.op->output_watermark(70) == 70);
  BOOST_TEST(!life.op->due().has_value());
}

BOOST_AUTO_TEST_CASE(what_waits_goes_on_after_a_restart_with_any_parallelism) {
  const Schema schema = *parse_schema("n bigint, t varchar");
  OperatorRig rig(plan_throttle, Throttle::make, rate("0.001"), {{"in", schema}}, 2);
  Emitted out;
  std::multiset<std::string> wanted;
  const auto give = [&](int begin, int end) {
    std::vector<TextRow> rows;
    for (int n = begin; n < end; ++n) {
      rows.push_back({{std::to_string(n), n % 3 == 0 ? "\\N" : "t" + std::to_string(n)}});
      wanted.insert(std::to_string(n) + "|" + (n % 3 == 0 ? "NULL" : "t" + std::to_string(n)));
    }
    rig.batch(0, batch_of(rig.input(0), rows), out);
  };
  give(0, 100);
  rig.restart(2, out);
  BOOST_TEST(out.rows.size() == 1U);  // of one instance: the first goes at once
  give(100, 200);
  rig.restart(3, out);
  rig.restart(3, out);
  give(200, 210);
  rig.restart(1, out);
  rig.on_time(system_clock().wall_us(), out);  // what was restored stands in the order it had
  BOOST_TEST((out.rows.contains("1|t1") || out.rows.contains("2|t2")));
  rig.on_time(system_clock().wall_us() + 400'000 * kSecond, out);
  for (int i = 0; i < 300; ++i) rig.on_time(system_clock().wall_us() + (400'000 + i * 1'001) * kSecond, out);
  BOOST_TEST((out.rows == wanted));
  rig.restart(1, out);
  BOOST_TEST(rig.state_rows() == 0U);
}

BOOST_AUTO_TEST_CASE(changes_go_through_one_instance) {
  Schema schema = *parse_schema("n bigint");
  schema.changelog = Changelog::kUpdates;
  OperatorRig rig(plan_throttle, Throttle::make, rate("0.001"), {{"in", schema}});
  BOOST_TEST(rig.answer().parallelism_max == 1U);
  Emitted out;
  rig.batch(0, batch_of(rig.input(0), {{{"1"}}, {{"1"}, RowKind::kUpdateBefore}, {{"2"}, RowKind::kUpdateAfter}}), out);
  rig.restart(1, out);
  for (int i = 0; i < 5; ++i) rig.on_time(system_clock().wall_us() + i * 1'001 * kSecond, out);
  BOOST_TEST((out.rows == std::multiset<std::string>{"2"}));
  BOOST_TEST(refusal(plan_throttle, rate("0"), schema).starts_with("rate: it is from 0.001"));
}
