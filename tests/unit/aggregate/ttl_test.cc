// Groups that are forgotten: `ttl` by event time and by the clock, checked against a model and over restarts.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kTtl = 30 * kSecond;
constexpr Microseconds kGrain = kTtl / 256;

Options forgetting(const std::string& compute = kEverything) {
  Options options{.compute = compute, .by = {"k"}};
  options.ttl = "30s";
  return options;
}

// What a forgetful aggregate knows, row by row.
class Model {
 public:
  void row(const Record& r) {
    const std::string key = shown(r.k);
    auto known = groups_.find(key);
    if (known != groups_.end() && old(known->second, r.ts)) {
      groups_.erase(known);
      known = groups_.end();
    }
    const bool back = r.kind != RowKind::kInsert;
    if (back && known == groups_.end()) {
      ++late;
      return;
    }
    Known& group = groups_[key];
    group.touched = known == groups_.end() ? r.ts : std::max(group.touched, r.ts);
    changed_.insert(key);
    if (!back) {
      group.rows.push_back(r);
      return;
    }
    std::erase_if(group.rows, [&, gone = false](const Record& other) mutable {
      const bool same = !gone && other.v == r.v && other.ts == r.ts;
      gone = gone || same;
      return same;
    });
  }
  // Readers hear of what a batch changed.
  void tell(std::string (*compute)(const Group&)) {
    for (const std::string& key : changed_) {
      const auto known = groups_.find(key);
      if (known == groups_.end()) continue;
      if (known->second.rows.empty()) {
        table.erase(key);
        groups_.erase(known);
      } else {
        table[key] = key + "|" + compute(known->second.rows);
      }
    }
    changed_.clear();
  }
  void watermark(Microseconds now) {
    std::erase_if(groups_, [&](const auto& entry) { return old(entry.second, now); });
  }
  std::size_t groups() const { return groups_.size(); }

  std::map<std::string, std::string> table;
  std::size_t late = 0;

 private:
  struct Known {
    Microseconds touched = 0;
    Group rows;
  };
  static bool old(const Known& group, Microseconds now) {
    const Microseconds into = ((group.touched % kGrain) + kGrain) % kGrain;
    return group.touched - into < now - kTtl - (kGrain - 1);
  }
  std::map<std::string, Known> groups_;
  std::set<std::string> changed_;
};

void feed_model(Model& model, const Step& step) {
  for (const Record& r : step.records) model.row(r);
  model.tell(everything_of);
  model.watermark(step.watermark);
}

// Instances over restarts, beside the model.
void run_model(std::uint64_t seed) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    const TempDir dir;
    const std::vector<Step> steps = steps_of(seed, 40);
    Model model;
    Gather out;
    out.by_key = true;
    auto instances = start(forgetting(), 1, dir, 1, nullptr, kNoWatermark, out);
    Epoch epoch(0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      feed(instances, steps[i], {0}, true, out);
      feed_model(model, steps[i]);
      BOOST_REQUIRE(out.table == model.table);
      std::size_t groups = 0;
      for (const Instance& instance : instances)
        groups += instance.running->store().table(instance.running->plan().state[0]).rows();
      BOOST_REQUIRE(groups == model.groups());
      if (i % 5 != seed % 5) continue;
      epoch = epoch.next();
      const RestoreSource source = checkpoint(instances, epoch, dir);
      const auto parallelism = static_cast<std::uint32_t>(1 + i % 3);
      if (i % 2 == 0)
        instances = start(forgetting(), parallelism, dir, static_cast<int>(i) + 2, &source, steps[i].watermark, out);
    }
  }
}

Record at(std::int64_t k, Microseconds seconds, std::int64_t v = 1, RowKind kind = RowKind::kInsert) {
  Record r;
  r.k = k;
  r.v = v;
  r.ts = seconds * kSecond;
  r.kind = kind;
  return r;
}

using Lines = std::vector<std::string>;

Schema timeless(Changelog changelog = Changelog::kAppend) {
  Schema schema = record_schema(changelog);
  schema.time.reset();
  return schema;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_to_live)

BOOST_AUTO_TEST_CASE(groups_untouched_for_so_long_are_as_if_they_had_never_been) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) run_model(seed);
}

BOOST_AUTO_TEST_CASE(a_row_that_comes_later_begins_the_group_anew_wherever_it_stands_in_its_batch) {
  Gather out;
  out.by_key = true;
  Running running(forgetting("count(*), count(distinct v) as d, string_agg(s, ',') as l, median(v) as m"),
                  record_schema());
  std::vector<Record> records;
  for (const Microseconds second : {0, 20, 45, 80, 81, 150}) records.push_back(at(1, second, second));
  running.batch(batch_of(running.input(), records), out);
  BOOST_TEST(out.log == Lines({"+1|2|2|NULL|10.000000", "-1|2|2|NULL|10.000000", "+1|3|3|NULL|20.000000",
                               "+1|2|2|NULL|80.500000", "+1|1|1|NULL|150.000000"}),
             boost::test_tools::per_element());
  running.watermark(181 * kSecond, out);
  BOOST_TEST(running.store().rows() == 0);
  BOOST_TEST(out.log.size() == 5);
}

BOOST_AUTO_TEST_CASE(what_lists_and_distinct_calls_have_seen_goes_with_the_group) {
  for (const bool global : {false, true}) {
    Options options = forgetting("count(distinct v) as d, string_agg(s, ',') as l, approx_count_distinct(v) as a");
    if (global) options.by.clear();
    Running running(options, record_schema());
    Gather out;
    out.by_key = true;
    std::vector<Record> records = {at(1, 0, 5), at(1, 1, 6)};
    for (Record& r : records) r.s = "a text that is no short one at all";
    running.batch(batch_of(running.input(), records), out);
    BOOST_TEST(running.store().rows() == 5);
    running.watermark(32 * kSecond, out);
    BOOST_TEST(running.store().rows() == 0);
    records = {at(1, 40, 5)};
    running.batch(batch_of(running.input(), records), out);
    BOOST_TEST(out.log.back() == (global ? "+1|NULL|1" : "+1|1|NULL|1"));
  }
}

// Those of a group that is never known: key 99 has no rows but such.
BOOST_AUTO_TEST_CASE(what_takes_back_rows_of_groups_that_are_not_known_is_dropped_and_counted) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Running running(forgetting(kRetractable), record_schema(Changelog::kUpdates));
    RandomRecords random(seed, false);
    Model model;
    Gather out;
    out.by_key = true;
    Microseconds now = 0;
    for (int round = 0; round < 60; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(12); i > 0; --i) {
        now += static_cast<Microseconds>(random.below(4 * kSecond));
        Record r = random.next();
        r.ts = now;
        if (random.below(4) == 0) r.k = 99, r.kind = RowKind::kDelete;
        records.push_back(r);
        model.row(r);
      }
      model.tell(retractable_of);
      running.batch(batch_of(running.input(), records), out);
      running.watermark(now - 5 * kSecond, out);
      model.watermark(now - 5 * kSecond);
      BOOST_REQUIRE(out.table == model.table);
      BOOST_REQUIRE(out.late_count == model.late);
    }
    BOOST_TEST(out.late_count > 0);
  }
}

BOOST_AUTO_TEST_CASE(a_retraction_in_front_of_the_row_that_begins_a_group_is_dropped) {
  Running running(forgetting("count(*), sum(v), min(v)"), record_schema(Changelog::kUpdates));
  Gather out;
  out.by_key = true;
  const auto batch = [&](const std::vector<Record>& records) {
    running.batch(batch_of(running.input(), records), out);
  };
  batch({at(1, 0, 5), at(2, 0, 6)});
  batch({at(1, 50, 5, RowKind::kUpdateBefore), at(2, 50, 6, RowKind::kUpdateBefore), at(1, 50, 7), at(1, 50, 8)});
  BOOST_TEST(out.late_count == 2);
  BOOST_TEST(out.table.at("1") == "1|2|15|7");
  BOOST_TEST(out.table.at("2") == "2|1|6|6");
  batch({at(1, 51, 7, RowKind::kDelete), at(1, 51, 8, RowKind::kDelete), at(1, 51, 5, RowKind::kDelete)});
  BOOST_TEST(!out.table.contains("1"));
  BOOST_TEST(running.store().rows() == 0);
}

BOOST_AUTO_TEST_CASE(without_event_time_groups_go_by_the_clock) {
  ManualClock clock;
  Running running(forgetting("count(*)"), timeless(), {}, clock);
  Gather out;
  out.by_key = true;
  const auto pass = [&](Microseconds by) {
    const Microseconds until = clock.wall_us() + by;
    for (auto due = running.op().due(); due && *due <= until; due = running.op().due()) {
      clock.advance(std::max<Microseconds>(0, *due - clock.wall_us()));
      running.time(clock.wall_us(), out);
    }
    clock.advance(until - clock.wall_us());
  };
  BOOST_TEST(!running.op().due().has_value());
  running.batch(batch_of(running.input(), {at(1, 0), at(1, 0)}), out);
  pass(25 * kSecond);
  running.batch(batch_of(running.input(), {at(1, 0), at(2, 0)}), out);
  pass(25 * kSecond);
  BOOST_TEST(running.store().rows() == 2);
  pass(6 * kSecond);
  BOOST_TEST(running.store().rows() == 0);
  BOOST_TEST(!running.op().due().has_value());
  running.batch(batch_of(running.input(), {at(1, 0)}), out);
  BOOST_TEST(out.log == Lines({"+1|2", "-1|2", "+1|3", "+2|1", "+1|1"}), boost::test_tools::per_element());
  running.end(out);
  BOOST_TEST(running.store().rows() == 1);
}

BOOST_AUTO_TEST_CASE(the_clock_is_taken_where_it_is_asked_for) {
  ManualClock clock;
  Options options = forgetting("count(*)");
  options.clock = "processing";
  Running running(options, record_schema(), {}, clock);
  Gather out;
  running.batch(batch_of(running.input(), {at(1, 0), at(1, 1000)}), out);
  running.watermark(2000 * kSecond, out);
  BOOST_TEST(out.log == Lines({"+1|2"}), boost::test_tools::per_element());
  BOOST_TEST(running.store().rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_window_of_so_many_rows_is_forgotten_too) {
  Options options = forgetting("count(*), sum(v), count(distinct v) as d");
  options.window = "count 3";
  Running running(options, record_schema());
  Gather out;
  running.batch(batch_of(running.input(), {at(1, 0), at(1, 10), at(1, 70, 2), at(1, 80, 3), at(1, 81, 4), at(1, 82)}),
                out);
  BOOST_TEST(out.log == Lines({"+1|3|9|3"}), boost::test_tools::per_element());
  running.watermark(90 * kSecond, out);
  BOOST_TEST(running.store().rows() == 2);
  running.watermark(120 * kSecond, out);
  BOOST_TEST(running.store().rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_row_without_a_time_is_bad_and_touches_nothing) {
  Running running(forgetting("count(*)"), record_schema());
  Gather out;
  BatchBuilder rows(running.input());
  rows.append_all(batch_of(running.input(), {at(1, 0)}));
  for (std::size_t c = 0; c < 7; ++c) rows.column(c).append_null();
  rows.end_row();
  running.batch(rows.finish(), out);
  BOOST_TEST(out.bad == Lines({"time column 'ts' is NULL"}), boost::test_tools::per_element());
  BOOST_TEST(out.log == Lines({"+1|1"}), boost::test_tools::per_element());
}

// A savepoint of the time before goes on: what is in it counts from the first time that is known.
BOOST_AUTO_TEST_CASE(state_from_before_there_was_a_time_to_live_is_forgotten_in_its_turn) {
  const TempDir dir;
  Gather out;
  out.by_key = true;
  Options before = forgetting("count(*)");
  before.ttl.clear();
  auto instances = start(before, 1, dir, 1, nullptr, kNoWatermark, out);
  instances[0].running->batch(batch_of(instances[0].running->input(), {at(1, 0), at(2, 0)}), out);
  const RestoreSource source = checkpoint(instances, Epoch(1), dir);
  instances = start(forgetting("count(*)"), 1, dir, 2, &source, 100 * kSecond, out);
  Running& running = *instances[0].running;
  running.batch(batch_of(running.input(), {at(1, 120)}), out);
  BOOST_TEST(out.table.at("1") == "1|2");
  running.watermark(131 * kSecond, out);
  BOOST_TEST(running.store().rows() == 1);
  running.watermark(151 * kSecond, out);
  BOOST_TEST(running.store().rows() == 0);
}

BOOST_AUTO_TEST_CASE(it_is_refused_where_nothing_could_be_forgotten) {
  const auto refusal = [](Options options, Schema input = record_schema()) {
    options.ttl = options.ttl.empty() ? "1h" : options.ttl;
    const Values values = options.values();
    const PlanAnswer answer = plan_aggregate({values, {{"in", std::move(input)}}, "/", 1, "per-key"});
    return answer.errors.empty() ? "" : answer.errors[0].option + ": " + answer.errors[0].message;
  };
  Options windowed{.compute = "count(*)", .by = {"k"}, .window = "tumble 1m"};
  BOOST_TEST(refusal(windowed) == "ttl: a window is forgotten when it has ended");
  Options final{.compute = "count(*)", .by = {"k"}};
  final.emit = "final";
  BOOST_TEST(refusal(final) == "ttl: a group that was forgotten would be missing when groups are told at the end");
  Options nothing{.compute = "count(*)", .by = {"k"}};
  nothing.ttl = "0s";
  BOOST_TEST(refusal(nothing) == "ttl: it must be more than nothing");
  BOOST_TEST(refusal({.compute = "count(*)", .by = {"k"}}) == "");
  BOOST_TEST(refusal({.compute = "count(*)", .by = {"k"}}, timeless()) == "");
}

BOOST_AUTO_TEST_SUITE_END()
