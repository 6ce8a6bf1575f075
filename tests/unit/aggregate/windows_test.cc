#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSize = 10 * kSecond;

Microseconds start_of(Microseconds ts) { return ts - ((ts % kSize) + kSize) % kSize; }

struct Expected {
  std::map<std::string, Group> groups;
  std::size_t late = 0;

  void add(const Step& step, Microseconds watermark, Microseconds lateness) {
    for (const Record& r : step.records) {
      const Microseconds start = start_of(r.ts);
      if (watermark != kNoWatermark && start + kSize + lateness <= watermark) {
        ++late;
        continue;
      }
      groups[shown(r.k) + "|" + std::to_string(start) + "|" + std::to_string(start + kSize) + "|"].push_back(r);
    }
  }
  // Of the windows that have ended.
  std::set<std::string> rows(Microseconds watermark) const {
    std::set<std::string> out;
    for (const auto& [key, group] : groups) {
      if (start_of(group[0].ts) + kSize <= watermark) out.insert(key + everything_of(group));
    }
    return out;
  }
};

Options windowed(const std::string& lateness) {
  Options options{.compute = kEverything, .by = {"k"}};
  options.window = "tumble 10s";
  options.lateness = lateness;
  return options;
}

void run_windows(std::uint64_t seed, Microseconds lateness) {
  BOOST_TEST_CONTEXT("seed " << seed << ", lateness " << lateness) {
    Running running(windowed(std::to_string(lateness / kSecond) + "s"), record_schema());
    Expected expected;
    Gather out;
    std::size_t sent = 0;
    Microseconds watermark = kNoWatermark;
    for (const Step& step : steps_of(seed, 40)) {
      sent += step.records.size();
      expected.add(step, watermark, lateness);
      running.batch(batch_of(running.input(), step.records), out);
      BOOST_REQUIRE(out.late.size() == expected.late);
      BOOST_REQUIRE(out.late_count == expected.late);
      if (watermark != kNoWatermark) BOOST_REQUIRE(out.rows == expected.rows(watermark));
      watermark = step.watermark;
      running.watermark(watermark, out);
      BOOST_REQUIRE(out.rows == expected.rows(watermark));
    }
    running.end(out);
    BOOST_TEST(out.rows == expected.rows(kEndOfTime), boost::test_tools::per_element());
    std::size_t on_time = 0;
    for (const auto& [key, group] : expected.groups) on_time += group.size();
    BOOST_TEST(on_time + out.late.size() == sent);
    BOOST_TEST(running.store().rows() == 0);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(windows)

BOOST_AUTO_TEST_CASE(every_window_equals_the_model_and_on_time_and_late_rows_are_all) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const Microseconds lateness : {0 * kSecond, 7 * kSecond, 30 * kSecond}) run_windows(seed, lateness);
  }
}

BOOST_AUTO_TEST_CASE(a_run_restored_anywhere_with_any_parallelism_gives_what_an_undisturbed_one_gives) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    run_replay(seed, windowed("0s"), true);
    run_replay(seed, windowed("15s"), true);
    Options updates{.compute = kEverything, .by = {"k"}};
    run_replay(seed, updates, false);
    updates.emit = "final";
    run_replay(seed, updates, false);
  }
}

BOOST_AUTO_TEST_CASE(a_row_without_a_time_is_a_bad_record) {
  Running running(windowed("0s"), record_schema());
  BatchBuilder builder(running.input());
  for (std::size_t c = 0; c < 7; ++c) builder.column(c).append_null();
  builder.end_row();
  Gather out;
  running.batch(builder.finish(), out);
  BOOST_TEST(out.bad == std::vector<std::string>({"time column 'ts' is NULL"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_output_watermark_promises_what_is_still_to_come) {
  Running running(windowed("5s"), record_schema());
  BOOST_TEST(running.op().output_watermark(kNoWatermark) == kNoWatermark);
  BOOST_TEST(running.op().output_watermark(kEndOfTime) == kEndOfTime);
  BOOST_TEST(running.op().output_watermark(34 * kSecond) == 20 * kSecond);
  BOOST_TEST(running.op().output_watermark(35 * kSecond) == 30 * kSecond);
}

BOOST_AUTO_TEST_CASE(windows_part_time_without_gap_or_overlap_in_every_zone) {
  for (const char* zone :
       {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana"}) {
    for (const Microseconds size :
         {900 * kSecond, 3600 * kSecond, 6 * 3600 * kSecond, 86'400 * kSecond, 7 * 86'400 * kSecond}) {
      const TumbleWindows windows = take(TumbleWindows::make(size, zone));
      const Microseconds begin = 1'704'067'200 * kSecond;  // 2024-01-01
      WindowSpan last = windows.of(begin);
      for (Microseconds t = begin; t < begin + 366 * 86'400 * kSecond; t += 847 * kSecond) {
        const WindowSpan span = windows.of(t);
        BOOST_REQUIRE_MESSAGE(span.contains(t), zone << " " << size << " " << t);
        BOOST_REQUIRE(span.start == last.start || span.start == last.end || size < 900 * kSecond);
        if (span.start == last.start) BOOST_REQUIRE(span.end == last.end);
        BOOST_REQUIRE(windows.of(span.start).start == span.start);
        BOOST_REQUIRE(windows.of(span.end - 1).start == span.start);
        last = span;
      }
    }
  }
  const TumbleWindows berlin = take(TumbleWindows::make(86'400 * kSecond, "Europe/Berlin"));
  const WindowSpan spring = berlin.of(1'711'854'000 * kSecond);  // 2024-03-31 04:00 CET
  BOOST_TEST(spring.end - spring.start == 23 * 3600 * kSecond);
}

BOOST_AUTO_TEST_SUITE_END()
