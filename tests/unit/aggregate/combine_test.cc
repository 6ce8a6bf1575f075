// Rows added up in front of the hop: results, late rows and bad ones are what they are without.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

// Each call that can be combined, with NULLs, filters and an expression over two calls.
constexpr char kCalls[] =
    "count(*) as n, count(v) as nv, sum(v) as total, sum(v) filter (where f) as some, min(v) as low, max(s) as high, "
    "min(d) as low_d, max(m) as high_m, sum(m) as money, avg(v) as mean, avg(m) as mean_m, sum(d) as total_d, "
    "var_pop(v) as spread, var_samp(m) as spread_m, round(var_pop(d) * 1000 + 0.31237) as spread_d, bool_and(f) as "
    "every_one, "
    "bool_or(f) as any_one, first(v) as begins, last(s) as ends, approx_count_distinct(v) as about, "
    "sum(v) / count(*) as share, last(f) filter (where v > 0) as flag";

class Forward final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    BOOST_REQUIRE(output == 0);
    rows += batch.rows;
    batches.push_back(std::move(batch));
    return {};
  }
  Status bad_record(BadRecord record) override {
    BOOST_FAIL("judged in front of the hop: " + record.reason);
    return {};
  }
  void late_records(std::uint64_t, std::size_t) override { BOOST_FAIL("judged in front of the hop"); }
  bool full() const override { return false; }

  std::vector<Batch> batches;
  std::size_t rows = 0;
};

Options phase(Options options, const char* name) {
  options.phase = name;
  return options;
}

// Combining stages, and what is behind the hop.
class Combined {
 public:
  Combined(const Options& options, std::uint32_t senders, std::uint32_t receivers, Schema input = record_schema())
      : receiving_(phase(options, "final")), hash_(!options.by.empty()) {
    for (std::uint32_t i = 0; i < senders; ++i)
      senders_.push_back(std::make_unique<Running>(phase(options, "partial"), input));
    start(receivers, nullptr, nullptr);
  }

  const SchemaPtr& input() const { return senders_[0]->input(); }
  const Schema& wire() const { return senders_[0]->plan().outputs[0].schema; }
  std::size_t sent() const { return sent_; }
  Running& receiver(std::size_t i) { return *instances_[i].running; }

  void batch(std::size_t sender, const Batch& rows, Gather& out) {
    if (rows.rows == 0) return;
    Forward forward;
    require_ok(senders_[sender]->op().on_batch(0, rows, forward));
    send(forward, out);
  }
  void watermark(Microseconds at, Gather& out) {
    for (const auto& sender : senders_) {
      Forward forward;
      require_ok(sender->op().on_watermark(at, forward));
      send(forward, out);
    }
    for (Instance& instance : instances_) instance.running->watermark(at, out);
    watermark_ = at;
  }
  void barrier(Gather& out) {
    for (const auto& sender : senders_) {
      Forward forward;
      require_ok(sender->op().await_results(forward));
      BOOST_TEST(!sender->op().has_more());
      send(forward, out);
    }
  }
  void end(Gather& out) {
    watermark(kEndOfTime, out);
    for (const auto& sender : senders_) {
      Forward forward;
      require_ok(sender->op().on_end(forward));
      send(forward, out);
    }
    for (Instance& instance : instances_) instance.running->end(out);
  }

  // A checkpoint, and everything anew from it: nothing that was kept in front of the hop may be missed.
  void restart(std::uint32_t receivers, const Options& options, Gather& out) {
    barrier(out);
    epoch_ = epoch_.next();
    const RestoreSource source = checkpoint(instances_, epoch_, dir_);
    for (auto& sender : senders_) sender = std::make_unique<Running>(phase(options, "partial"), *sender->input());
    start(receivers, &source, &out);
    if (watermark_ != kNoWatermark) watermark(watermark_, out);
  }

 private:
  void start(std::uint32_t receivers, const RestoreSource* source, Gather* out) {
    instances_.clear();
    for (std::uint32_t i = 0; i < receivers; ++i) {
      Instance& instance = instances_.emplace_back();
      instance.running = std::make_unique<Running>(receiving_, wire(), StoreOptions{i, receivers});
      WriterOptions writing;
      writing.identity.job = "job";
      writing.identity.run = std::string(32, '7');
      writing.identity.attempt = Attempt(++attempt_);
      writing.identity.stage = "per-key";
      writing.identity.instance = i;
      writing.identity.parallelism = receivers;
      writing.checkpoints = dir_ / "checkpoints";
      writing.scratch = dir_ / ("scratch" + std::to_string(attempt_));
      instance.writer = std::make_unique<SnapshotWriter>(system_files(), writing);
      if (source == nullptr) continue;
      require_ok(instance.running->store().restore(*source));
      instance.writer->restored(*source);
      require_ok(instance.running->op().on_restored());
      if (watermark_ != kNoWatermark) instance.running->watermark(watermark_, *out);
    }
  }

  void send(const Forward& forward, Gather& out) {
    sent_ += forward.rows;
    const auto receivers = static_cast<std::uint32_t>(instances_.size());
    for (const Batch& batch : forward.batches) {
      std::vector<std::uint64_t> hashes(batch.rows);
      const std::size_t by[] = {0};
      if (hash_) hash_keys(batch, by, hashes);
      std::vector<std::vector<std::uint32_t>> rows(receivers);
      for (std::uint32_t row = 0; row < batch.rows; ++row)
        rows[owner_of(key_group_of(hashes[row], kKeyGroupsDefault), kKeyGroupsDefault, receivers)].push_back(row);
      for (std::uint32_t i = 0; i < receivers; ++i) instances_[i].running->batch(batch.take(rows[i]), out);
    }
  }

  const Options receiving_;
  const bool hash_;
  TempDir dir_;
  std::vector<std::unique_ptr<Running>> senders_;
  std::vector<Instance> instances_;
  Microseconds watermark_ = kNoWatermark;
  Epoch epoch_{0};
  std::uint32_t attempt_ = 0;
  std::size_t sent_ = 0;
};

Gather alone(const Options& options, const std::vector<Step>& steps) {
  Gather out;
  Running running(options, record_schema());
  for (const Step& step : steps) {
    running.batch(batch_of(running.input(), step.records), out);
    running.watermark(step.watermark, out);
  }
  running.end(out);
  return out;
}

void run_combined(const Options& options, std::uint64_t seed, std::uint32_t senders, std::uint32_t receivers) {
  const std::vector<Step> steps = steps_of(seed, 40);
  const Gather undisturbed = alone(options, steps);
  Gather out;
  Combined combined(options, senders, receivers);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    combined.batch(i % senders, batch_of(combined.input(), steps[i].records), out);
    combined.watermark(steps[i].watermark, out);
    if (i % 5 == seed % 5) combined.barrier(out);
    if (i % 11 == 10) combined.restart(options.by.empty() ? 1 : static_cast<std::uint32_t>(1 + i % 3), options, out);
  }
  combined.end(out);
  BOOST_TEST(out.rows == undisturbed.rows, boost::test_tools::per_element());
  BOOST_TEST(out.late_count == undisturbed.late_count);
  BOOST_TEST(out.bad == undisturbed.bad, boost::test_tools::per_element());
}

std::string refusal(const Options& options, const Schema& input) {
  const Values values = options.values();
  const PlanAnswer answer = plan_aggregate({values, {{"in", input}}, "/", 1, "per-key"});
  return answer.errors.empty() ? "" : answer.errors[0].option + ": " + answer.errors[0].message;
}

Record record(std::int64_t value) {
  Record out;
  out.k = 1;
  out.v = value;
  out.ts = 1;
  return out;
}

Batch sums_of(const SchemaPtr& schema, const std::vector<std::int64_t>& values) {
  std::vector<Record> records;
  for (const std::int64_t value : values) records.push_back(record(value));
  return batch_of(schema, records);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(combine)

BOOST_AUTO_TEST_CASE(results_are_those_of_one_aggregate) {
  for (const char* window : {"", "tumble 10s", "hop 10s every 2s", "hop 7s every 3s", "cumulate 12s every 3s"}) {
    for (const bool grouped : {true, false}) {
      for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        // Which of two rows of one time comes first is only known of one sender.
        const auto senders = static_cast<std::uint32_t>(1 + seed % 2);
        BOOST_TEST_CONTEXT("window " << window << ", grouped " << grouped << ", seed " << seed) {
          Options options{.compute = kCalls, .window = window};
          if (grouped) options.by = {"k"};
          if (seed % 3 == 0 && *window != '\0') options.lateness = "6s";
          run_combined(options, seed, senders, grouped ? static_cast<std::uint32_t>(1 + seed % 3) : 1);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(without_event_time_rows_are_in_the_order_they_come) {
  Schema input = record_schema();
  input.time.reset();
  const Options options{.compute = "first(v) as begins, last(v) as ends, count(*) as n, any_value(k) as key",
                        .by = {"k"}};
  RandomRecords random(3, true);
  Gather direct;
  Gather out;
  Running running(options, input);
  Combined combined(options, 1, 2, input);
  for (int i = 0; i < 30; ++i) {
    std::vector<Record> records;
    for (int n = 0; n < 20; ++n) records.push_back(random.next());
    running.batch(batch_of(running.input(), records), direct);
    combined.batch(0, batch_of(running.input(), records), out);
    if (i % 4 == 3) combined.barrier(out);
  }
  combined.end(out);
  BOOST_TEST(out.rows == direct.rows, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hot_key_is_one_row) {
  Gather out;
  Combined combined({.compute = "count(*) as n, sum(v) as total", .by = {"k"}}, 1, 2);
  for (int i = 0; i < 100; ++i) combined.batch(0, sums_of(combined.input(), std::vector<std::int64_t>(50, 3)), out);
  BOOST_TEST(combined.sent() == 0u);
  combined.barrier(out);
  BOOST_TEST(combined.sent() == 1u);
  BOOST_TEST(out.rows == (std::set<std::string>{"1|5000|15000"}));
  combined.barrier(out);
  BOOST_TEST(combined.sent() == 1u);
}

BOOST_AUTO_TEST_CASE(groups_that_have_few_rows_go_on_as_they_were) {
  Gather out;
  Combined combined({.compute = "count(*) as n", .by = {"v"}}, 1, 1);
  std::int64_t next = 0;
  const auto feed = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      std::vector<Record> records;
      for (int n = 0; n < 512; ++n) records.push_back(record(++next));
      combined.batch(0, batch_of(combined.input(), records), out);
    }
  };
  feed(8);
  BOOST_TEST(combined.sent() == 4096u);  // it was full
  feed(1);
  BOOST_TEST(combined.sent() == 4608u);  // as they are
  feed(300);
  BOOST_TEST(combined.sent() > 100'000u);
  combined.end(out);
  BOOST_TEST(out.rows.size() == static_cast<std::size_t>(next));
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_due_soon) {
  Gather out;
  Running sender(phase({.compute = "count(*) as n", .by = {"k"}}, "partial"), record_schema());
  BOOST_TEST(!sender.op().due().has_value());
  Forward forward;
  require_ok(sender.op().on_batch(0, sums_of(sender.input(), {1}), forward));
  BOOST_REQUIRE(sender.op().due().has_value());
  BOOST_TEST(*sender.op().due() <= system_clock().wall_us() + 100'000);
  require_ok(sender.op().on_time(*sender.op().due(), forward));
  BOOST_TEST(forward.rows == 1u);
  BOOST_TEST(!sender.op().due().has_value());
}

BOOST_AUTO_TEST_CASE(a_row_that_leaves_the_range_is_the_same_bad_record) {
  constexpr std::int64_t kMost = INT64_MAX;
  const Options options{.compute = "sum(v) as total, count(*) as n", .by = {"k"}};
  const std::vector<std::vector<std::int64_t>> batches = {{kMost - 5, 3}, {4, 1}, {-2, 2}};
  Gather direct;
  Gather out;
  Running running(options, record_schema());
  Combined combined(options, 1, 2);
  for (const auto& values : batches) {
    running.batch(sums_of(running.input(), values), direct);
    combined.batch(0, sums_of(combined.input(), values), out);
  }
  combined.end(out);
  BOOST_TEST(out.bad == direct.bad, boost::test_tools::per_element());
  BOOST_TEST(out.rows == direct.rows, boost::test_tools::per_element());
  BOOST_TEST(out.bad.size() == 1u);
}

// Behind the hop only the partial row can be judged: it is one bad record and changes nothing.
BOOST_AUTO_TEST_CASE(a_partial_row_that_leaves_the_range_changes_nothing) {
  Gather out;
  Combined combined({.compute = "sum(v) as total, count(*) as n", .by = {"k"}}, 1, 1);
  combined.batch(0, sums_of(combined.input(), {INT64_MAX - 5}), out);
  combined.barrier(out);
  combined.batch(0, sums_of(combined.input(), {4, 4}), out);
  combined.barrier(out);
  combined.batch(0, sums_of(combined.input(), {5}), out);
  combined.end(out);
  BOOST_TEST(out.bad.size() == 1u);
  BOOST_TEST(out.rows == (std::set<std::string>{"1|9223372036854775807|2"}));
}

BOOST_AUTO_TEST_CASE(bad_rows_are_judged_behind_the_hop) {
  const Options options{.compute = "sum(10 / v) as total", .by = {"k"}, .window = "tumble 10s"};
  Gather direct;
  Gather out;
  Running running(options, record_schema());
  Combined combined(options, 1, 1);
  for (const std::vector<std::int64_t>& values : {std::vector<std::int64_t>{1, 0, 5}, {0}, {2, 2, 0, 0}}) {
    running.batch(sums_of(running.input(), values), direct);
    combined.batch(0, sums_of(combined.input(), values), out);
  }
  running.end(direct);
  combined.end(out);
  BOOST_TEST(out.bad == direct.bad, boost::test_tools::per_element());
  BOOST_TEST(out.bad.size() == 4u);
  BOOST_TEST(out.rows == direct.rows, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_row_whose_window_has_ended_goes_on_as_it_was) {
  Gather out;
  Combined combined({.compute = "count(*) as n", .by = {"k"}, .window = "tumble 10s", .lateness = "30s"}, 1, 1);
  combined.watermark(20 * kSecond, out);
  combined.batch(0, sums_of(combined.input(), {1, 2}), out);
  BOOST_TEST(combined.sent() == 2u);
  BOOST_TEST(out.rows == (std::set<std::string>{"1|0|10000000|2"}));
}

// A sender that is far behind others, whose silence held nothing back.
BOOST_AUTO_TEST_CASE(rows_of_a_partial_row_that_is_late_are_counted) {
  Gather out;
  Combined combined({.compute = "count(*) as n", .by = {"k"}, .window = "tumble 10s"}, 2, 1);
  combined.batch(0, sums_of(combined.input(), {1, 2, 3}), out);
  combined.receiver(0).watermark(20 * kSecond, out);
  combined.barrier(out);
  BOOST_TEST(out.late_count == 3u);
  combined.end(out);
  BOOST_TEST(out.rows.empty());
}

BOOST_AUTO_TEST_CASE(state_is_the_same_with_and_without) {
  for (const char* window : {"", "tumble 10s", "hop 10s every 2s"}) {
    const Options options{.compute = kCalls, .by = {"k"}, .window = window};
    Combined combined(options, 1, 1);
    Running running(options, record_schema());
    BOOST_TEST((combined.receiver(0).plan().state == running.plan().state));
    const Schema& out = combined.receiver(0).plan().outputs[0].schema;
    BOOST_TEST((out == running.plan().outputs[0].schema));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_combined_is_refused_with_the_reason) {
  const auto why = [](const std::string& compute, const std::string& window = "", Schema input = record_schema()) {
    return refusal({.compute = compute, .by = {"k"}, .window = window, .combine = "always"}, input);
  };
  BOOST_TEST(why("count(*) as n") == "");
  BOOST_TEST(why("count(distinct v) as n") ==
             "combine: rows cannot be combined: count(distinct v) must see each value, and DISTINCT ones of two parts "
             "may be the same");
  BOOST_TEST(why("json_agg(v) as l") == "combine: rows cannot be combined: json_agg(v) keeps every value it is given");
  BOOST_TEST(why("median(v) as l") == "combine: rows cannot be combined: median(v) keeps the values themselves");
  BOOST_TEST(why("count(*) as n", "session 5s") ==
             "combine: rows cannot be combined: sessions are told apart by the single rows");
  BOOST_TEST(why("count(*) as n", "count 5") ==
             "combine: rows cannot be combined: its windows count the single rows as they come");
  BOOST_TEST(why("count(*) as n", "", record_schema(Changelog::kUpdates)) ==
             "combine: rows cannot be combined: the input's rows may be taken back");
  BOOST_TEST(refusal({.compute = "count(*) as n", .phase = "final"}, record_schema()) ==
             "phase: the input has no column _partial_n BIGINT, as the same aggregate with `phase: partial` gives");
}

BOOST_AUTO_TEST_CASE(by_itself_it_is_combined_only_where_there_are_few_groups) {
  const auto combining = [](const Options& options) {
    const Values values = options.values();
    return plan_aggregate({values, {{"in", record_schema()}}, "/", 1, "per-key"}).combining.has_value();
  };
  BOOST_TEST(combining({.compute = "count(*) as n"}));
  BOOST_TEST(combining({.compute = "sum(m) as n", .window = "hop 10s every 2s"}));
  BOOST_TEST(!combining({.compute = "sum(d) as n"}));  // may differ in the last digit
  BOOST_TEST(combining({.compute = "sum(d) as n", .combine = "always"}));
  BOOST_TEST(!combining({.compute = "count(*) as n", .by = {"k"}}));
  BOOST_TEST(combining({.compute = "count(*) as n", .by = {"k"}, .combine = "always"}));
  BOOST_TEST(!combining({.compute = "count(*) as n", .combine = "never"}));
  BOOST_TEST(!combining({.compute = "count(distinct v) as n"}));
  BOOST_TEST(!combining({.compute = "count(*) as n", .phase = "partial"}));
}

// Rows come in the order of time, for it is the order behind the hop that says when a group was touched.
BOOST_AUTO_TEST_CASE(groups_are_forgotten_as_they_are_without) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    Options options{.compute = "count(*), sum(v), min(v), last(s)", .by = {"k"}};
    options.ttl = "20s";
    options.combine = "always";
    std::vector<Step> steps = steps_of(seed, 60);
    Microseconds now = 0;
    for (Step& step : steps) {
      for (Record& r : step.records) r.ts = now += (r.v.value_or(0) + 25) * kSecond / 20;
      step.watermark = now - 3 * kSecond;
    }
    Gather undisturbed;
    undisturbed.by_key = true;
    Running running(options, record_schema());
    Gather out;
    out.by_key = true;
    Combined combined(options, 1, 2);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      running.batch(batch_of(running.input(), steps[i].records), undisturbed);
      combined.batch(0, batch_of(combined.input(), steps[i].records), out);
      if (i % 3 == 0) {
        running.watermark(steps[i].watermark, undisturbed);
        combined.watermark(steps[i].watermark, out);
      }
      if (i % 11 == 10) combined.restart(static_cast<std::uint32_t>(1 + i % 3), options, out);
    }
    combined.barrier(out);
    BOOST_TEST(out.table == undisturbed.table);
    BOOST_TEST(combined.sent() > 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
