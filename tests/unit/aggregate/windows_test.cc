#include "snapshot/snapshot_writer.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/aggregate/model.h"
#include "transport/record/key.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kSize = 10 * kSecond;

struct Step {
  std::vector<Record> records;
  Microseconds watermark = 0;
};

std::vector<Step> steps_of(std::uint64_t seed, std::size_t count) {
  RandomRecords random(seed, seed % 2 == 0);
  std::vector<Step> steps(count);
  Microseconds now = 0;
  for (Step& step : steps) {
    for (std::uint64_t i = random.below(40); i > 0; --i) {
      step.records.push_back(random.next());
      step.records.back().ts = now + static_cast<Microseconds>(random.below(40 * kSecond)) - 25 * kSecond;
    }
    now += static_cast<Microseconds>(random.below(8 * kSecond));
    step.watermark = now - 5 * kSecond;
  }
  return steps;
}

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

// An instance of several, with what it writes.
struct Instance {
  std::unique_ptr<Running> running;
  std::unique_ptr<SnapshotWriter> writer;
};

std::vector<Instance> start(const Options& options, std::uint32_t parallelism, const TempDir& dir, int generation,
                            const RestoreSource* source, Microseconds watermark, Gather& out) {
  std::vector<Instance> instances(parallelism);
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    instances[i].running = std::make_unique<Running>(options, record_schema(), StoreOptions{i, parallelism});
    WriterOptions writing;
    writing.identity.job = "job";
    writing.identity.run = std::string(32, '7');
    writing.identity.attempt = Attempt(static_cast<std::uint32_t>(generation));
    writing.identity.stage = "per-key";
    writing.identity.instance = i;
    writing.identity.parallelism = parallelism;
    writing.checkpoints = dir / "checkpoints";
    writing.scratch = dir / ("scratch" + std::to_string(generation) + "-" + std::to_string(i));
    instances[i].writer = std::make_unique<SnapshotWriter>(system_files(), writing);
    if (source == nullptr) continue;
    require_ok(instances[i].running->store().restore(*source));
    instances[i].writer->restored(*source);
    require_ok(instances[i].running->op().on_restored());
    if (watermark != kNoWatermark) instances[i].running->watermark(watermark, out);
  }
  return instances;
}

void feed(std::vector<Instance>& instances, const Step& step, const std::vector<std::size_t>& by, bool windows,
          Gather& out) {
  const Batch batch = batch_of(instances[0].running->input(), step.records);
  if (batch.rows != 0) {
    std::vector<std::uint64_t> hashes(batch.rows);
    hash_keys(batch, by, hashes);
    for (std::uint32_t i = 0; i < instances.size(); ++i) {
      std::vector<std::uint32_t> mine;
      for (std::uint32_t row = 0; row < batch.rows; ++row) {
        if (owner_of(key_group_of(hashes[row], kKeyGroupsDefault), kKeyGroupsDefault,
                     static_cast<std::uint32_t>(instances.size())) == i)
          mine.push_back(row);
      }
      if (!mine.empty()) instances[i].running->batch(batch.take(mine), out);
    }
  }
  if (!windows) return;
  for (Instance& instance : instances) instance.running->watermark(step.watermark, out);
}

// Restarts with another parallelism after steps 1/3 and 2/3, from files, and in between from a capture
// that builds on an earlier one.
void run_replay(std::uint64_t seed, const Options& options, bool windows) {
  BOOST_TEST_CONTEXT("seed " << seed << ", windows " << windows) {
    const TempDir dir;
    const std::vector<Step> steps = steps_of(seed, 30);
    Gather undisturbed;
    {
      auto instances = start(options, 1, dir, 0, nullptr, kNoWatermark, undisturbed);
      for (const Step& step : steps) feed(instances, step, {0}, windows, undisturbed);
      instances[0].running->end(undisturbed);
    }
    Gather out;
    auto instances = start(options, 1, dir, 1, nullptr, kNoWatermark, out);
    Epoch epoch(0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      feed(instances, steps[i], {0}, windows, out);
      if (i % 5 != seed % 5) continue;
      epoch = epoch.next();
      RestoreSource source{dir / "checkpoints", epoch, static_cast<std::uint32_t>(instances.size()), {}, true};
      for (Instance& instance : instances) {
        require_ok(instance.running->op().before_snapshot());
        source.instances.push_back(take(instance.writer->write(instance.running->store().capture(epoch))));
        instance.running->store().completed(epoch);
      }
      const auto parallelism = static_cast<std::uint32_t>(1 + i * 3 / steps.size());
      if (i % 2 == 0 || parallelism != instances.size()) {
        instances = start(options, parallelism, dir, static_cast<int>(i) + 2, &source,
                          windows ? steps[i].watermark : kNoWatermark, out);
      }
    }
    for (Instance& instance : instances) instance.running->end(out);
    BOOST_TEST(out.rows == undisturbed.rows, boost::test_tools::per_element());
    BOOST_TEST(out.late.size() == undisturbed.late.size());
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
