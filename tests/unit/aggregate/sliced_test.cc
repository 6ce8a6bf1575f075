// Windows made of slices against a model that keeps every row of every window.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

struct Shape {
  std::string text;
  Microseconds size;
  Microseconds step;
  bool cumulate = false;
};

const std::vector<Shape> kShapes = {
    {"hop 10s every 2s", 10 * kSecond, 2 * kSecond},
    {"hop 10s every 10s", 10 * kSecond, 10 * kSecond},
    {"hop 10s every 4s", 10 * kSecond, 4 * kSecond},
    {"hop 7s every 3s", 7 * kSecond, 3 * kSecond},
    {"cumulate 12s every 3s", 12 * kSecond, 3 * kSecond, true},
    {"cumulate 10s every 10s", 10 * kSecond, 10 * kSecond, true},
};

Microseconds floor_to(Microseconds time, Microseconds size) { return time - ((time % size) + size) % size; }

std::vector<WindowSpan> windows_of(const Shape& shape, Microseconds ts) {
  std::vector<WindowSpan> spans;
  if (shape.cumulate) {
    const Microseconds start = floor_to(ts, shape.size);
    for (Microseconds end = floor_to(ts, shape.step) + shape.step; end <= start + shape.size; end += shape.step)
      spans.push_back({start, end});
    return spans;
  }
  for (Microseconds start = floor_to(ts, shape.step); start + shape.size > ts; start -= shape.step)
    spans.push_back({start, start + shape.size});
  return spans;
}

struct Windows {
  Shape shape;
  std::string (*compute)(const Group&);
  std::map<std::pair<Microseconds, std::string>, Group> groups = {};  // by end and key
  std::size_t late = 0;
  std::size_t on_time = 0;

  void add(const Record& r, Microseconds watermark, Microseconds lateness) {
    bool some = false;
    for (const WindowSpan& span : windows_of(shape, r.ts)) {
      if (watermark != kNoWatermark && span.end + lateness <= watermark) continue;
      some = true;
      Group& group =
          groups[{span.end, shown(r.k) + "|" + std::to_string(span.start) + "|" + std::to_string(span.end) + "|"}];
      if (r.kind == RowKind::kInsert)
        group.push_back(r);
      else
        group.pop_back();
    }
    ++(some ? on_time : late);
  }
  std::set<std::string> rows(Microseconds watermark) const {
    std::set<std::string> out;
    for (const auto& [key, group] : groups) {
      if (key.first <= watermark && !group.empty()) out.insert(key.second + compute(group));
    }
    return out;
  }
};

Options sliced(const std::string& window, Microseconds lateness, const std::string& compute = kEverything) {
  Options options{.compute = compute, .by = {"k"}};
  options.window = window;
  options.lateness = std::to_string(lateness / kSecond) + "s";
  return options;
}

void run_windows(std::uint64_t seed, const Shape& shape, Microseconds lateness) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << shape.text << ", lateness " << lateness) {
    Running running(sliced(shape.text, lateness), record_schema());
    Windows expected{shape, everything_of};
    Gather out;
    std::size_t sent = 0;
    Microseconds watermark = kNoWatermark;
    for (const Step& step : steps_of(seed, 40)) {
      sent += step.records.size();
      for (const Record& r : step.records) expected.add(r, watermark, lateness);
      const std::size_t cut = seed % 3 * step.records.size() / 3;
      running.batch(batch_of(running.input(), {step.records.begin(), step.records.begin() + cut}), out);
      running.batch(batch_of(running.input(), {step.records.begin() + cut, step.records.end()}), out);
      BOOST_REQUIRE(out.late.size() == expected.late);
      if (lateness != 0 && watermark != kNoWatermark) BOOST_REQUIRE(out.rows == expected.rows(watermark));
      watermark = step.watermark;
      running.watermark(watermark, out);
      if (lateness != 0) { BOOST_REQUIRE(out.rows == expected.rows(watermark)); }
    }
    running.end(out);
    BOOST_TEST(out.rows == expected.rows(kEndOfTime), boost::test_tools::per_element());
    BOOST_TEST(expected.on_time + out.late.size() == sent);
    BOOST_TEST(running.store().rows() == 0);
  }
}

// Rows that come and are taken back, never late.
void run_changing(std::uint64_t seed, const Shape& shape) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << shape.text) {
    Running running(sliced(shape.text, 20 * kSecond, kRetractable), record_schema(Changelog::kUpdates));
    Windows expected{shape, retractable_of};
    RandomRecords random(seed, true);
    Gather out;
    std::map<std::optional<std::int64_t>, Group> alive;
    Microseconds now = 0;
    for (int round = 0; round < 40; ++round) {
      std::vector<Record> records;
      for (std::uint64_t i = random.below(30); i > 0; --i) {
        Record r = random.next();
        r.ts = floor_to(now, shape.size);
        Group& group = alive[r.k];
        if (random.below(2) == 0 && !group.empty() && group.back().ts == r.ts) {
          r = group.back();
          group.pop_back();
          r.kind = RowKind::kDelete;
        } else {
          group.push_back(r);
        }
        records.push_back(r);
        expected.add(r, kNoWatermark, 0);
      }
      running.batch(batch_of(running.input(), records), out);
      running.watermark(now + shape.step, out);
      BOOST_REQUIRE(out.rows == expected.rows(now + shape.step));
      now += static_cast<Microseconds>(random.below(2) * kSecond);
    }
    running.end(out);
    BOOST_TEST(out.rows == expected.rows(kEndOfTime), boost::test_tools::per_element());
  }
}

std::vector<std::string> fired(const std::string& window, const std::string& zone,
                               const std::vector<Microseconds>& times) {
  Options options{.compute = "count(*)", .window = window, .zone = zone};
  Running running(options, record_schema());
  std::vector<Record> records(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) records[i].ts = times[i] * kSecond;
  Gather out;
  running.batch(batch_of(running.input(), records), out);
  running.end(out);
  return out.log;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sliced_windows)

BOOST_AUTO_TEST_CASE(every_window_equals_the_model_and_on_time_and_late_rows_are_all) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const Shape& shape : kShapes) {
      for (const Microseconds lateness : {0 * kSecond, 7 * kSecond, 30 * kSecond}) run_windows(seed, shape, lateness);
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_taken_back_are_as_if_they_had_never_come) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    run_changing(seed, kShapes[0]);
    run_changing(seed, kShapes[4]);
  }
}

BOOST_AUTO_TEST_CASE(a_run_restored_anywhere_with_any_parallelism_fires_no_window_twice) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const Shape& shape : {kShapes[0], kShapes[2], kShapes[4]}) {
      for (const bool forgets : {false, true}) {
        run_replay(seed, sliced(shape.text, 0), true, forgets);
        run_replay(seed, sliced(shape.text, 15 * kSecond), true, forgets);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(all_rows_are_one_group_where_there_is_no_by) {
  BOOST_TEST(fired("hop 4s every 2s", "UTC", {1, 2, 9}) ==
                 std::vector<std::string>({"+-2000000|2000000|1", "+0|4000000|2", "+2000000|6000000|1",
                                           "+6000000|10000000|1", "+8000000|12000000|1"}),
             boost::test_tools::per_element());
  BOOST_TEST(fired("cumulate 6s every 2s", "UTC", {1, 4}) ==
                 std::vector<std::string>({"+0|2000000|1", "+0|4000000|1", "+0|6000000|2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(windows_lie_as_the_clock_of_the_zone_shows) {
  // The clock went from 2 to 3 on 2024-03-31 in Berlin: that day began at 23:00Z and had 23 hours.
  const Microseconds noon = 1'711'879'200;
  BOOST_TEST(fired("cumulate 1d every 12h", "Europe/Berlin", {noon}) ==
                 std::vector<std::string>({"+1711839600000000|1711922400000000|1"}),
             boost::test_tools::per_element());
  BOOST_TEST(
      fired("hop 2d every 1d", "Europe/Berlin", {noon}) ==
          std::vector<std::string>({"+1711753200000000|1711922400000000|1", "+1711839600000000|1712008800000000|1"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_sum_of_slices_that_is_too_large_is_a_bad_record_and_the_others_go_on) {
  Options options{.compute = "sum(v)", .by = {"k"}};
  options.window = "hop 4s every 2s";
  Running running(options, record_schema());
  std::vector<Record> records(3);
  for (std::size_t i = 0; i < 3; ++i) records[i].k = i == 2 ? 2 : 1, records[i].v = INT64_MAX;
  records[1].ts = 2 * kSecond;
  Gather out;
  running.batch(batch_of(running.input(), records), out);
  running.end(out);
  BOOST_TEST(out.bad == std::vector<std::string>({"sum out of range"}), boost::test_tools::per_element());
  BOOST_TEST(out.rows.size() == 4);  // of 1: those with one of the two
}

// What has no merging of its own in the model: every type, and every function of it.
constexpr char kEveryType[] =
    "min(ts) as t, max(ts::date) as day, min(ts - timestamptz '2000-01-01') as a, max(ts - timestamptz '2000-01-01') "
    "as b, "
    "sum(ts - timestamptz '2000-01-01') as c, avg(ts - timestamptz '2000-01-01') as d, min(s::bytea) as e, "
    "max(s::bytea) as f, avg(m) as g, min(m) as h, max(d) as i, sum(d) as j, avg(distinct v) as k2, "
    "avg(distinct m) as l, sum(distinct d) as o, min(distinct s) as p, max(distinct ts) as q, sum(m) filter (where f) "
    "as r";

BOOST_AUTO_TEST_CASE(slices_of_every_type_make_what_one_window_makes) {
  for (const std::string zone : {"UTC", "Europe/Berlin"}) {
    Options whole{.compute = kEveryType, .by = {"k"}, .window = "tumble 12m", .zone = zone};
    Options parts = whole;
    parts.window = "cumulate 12m every 3m";
    Running of_one(whole, record_schema());
    Running of_parts(parts, record_schema());
    Gather one, cumulated;
    RandomRecords random(7, true);
    for (int round = 0; round < 20; ++round) {
      std::vector<Record> records(50);
      for (Record& r : records) r = random.next(), r.ts = static_cast<Microseconds>(random.below(3600)) * kSecond / 4;
      of_one.batch(batch_of(of_one.input(), records), one);
      of_parts.batch(batch_of(of_parts.input(), records), cumulated);
    }
    of_one.end(one);
    of_parts.end(cumulated);
    std::set<std::string> full;
    for (const std::string& row : cumulated.rows) {
      if (one.rows.contains(row)) full.insert(row);
    }
    BOOST_TEST(one.bad == std::vector<std::string>(), boost::test_tools::per_element());
    BOOST_TEST(full == one.rows, boost::test_tools::per_element());
    BOOST_TEST(cumulated.rows.size() > 3 * one.rows.size());
  }
}

BOOST_AUTO_TEST_CASE(what_is_long_empty_is_passed_over) {
  BOOST_TEST(fired("hop 2s every 1s", "UTC", {0, 1'000'000'000}).size() == 4);
}

BOOST_AUTO_TEST_CASE(the_output_watermark_promises_what_is_still_to_come) {
  Running running(sliced("hop 10s every 2s", 4 * kSecond), record_schema());
  BOOST_TEST(running.op().output_watermark(kNoWatermark) == kNoWatermark);
  BOOST_TEST(running.op().output_watermark(kEndOfTime) == kEndOfTime);
  // The window that ends at 96 s + 4 s is closed; the next one begins at 88 s.
  BOOST_TEST(running.op().output_watermark(100 * kSecond) == 88 * kSecond);
}

BOOST_AUTO_TEST_SUITE_END()
