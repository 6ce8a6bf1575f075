// Runs of an aggregate over random rows: undisturbed, and restored from snapshots.
#pragma once

#include "snapshot/snapshot_writer.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/aggregate/model.h"
#include "transport/record/key.h"

namespace stream::test {

inline constexpr Microseconds kSecond = 1'000'000;

struct Step {
  std::vector<Record> records;
  Microseconds watermark = 0;
};

inline std::vector<Step> steps_of(std::uint64_t seed, std::size_t count) {
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

// An instance of several, with what it writes.
struct Instance {
  std::unique_ptr<Running> running;
  std::unique_ptr<SnapshotWriter> writer;
};

inline std::vector<Instance> start(const Options& options, std::uint32_t parallelism, const TempDir& dir,
                                   int generation, const RestoreSource* source, Microseconds watermark, Gather& out) {
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

inline void feed(std::vector<Instance>& instances, const Step& step, const std::vector<std::size_t>& by, bool windows,
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

// A checkpoint of all instances, and what goes on from it.
inline RestoreSource checkpoint(std::vector<Instance>& instances, Epoch epoch, const TempDir& dir) {
  RestoreSource source{dir / "checkpoints", epoch, static_cast<std::uint32_t>(instances.size()), {}, true};
  for (Instance& instance : instances) {
    require_ok(instance.running->op().before_snapshot());
    source.instances.push_back(take(instance.writer->write(instance.running->store().capture(epoch))));
    instance.running->store().completed(epoch);
  }
  return source;
}

// Restarts with another parallelism after steps 1/3 and 2/3, from files, and in between from a capture
// that builds on an earlier one. `forgets`: instances start without the watermark, as new ones do.
inline void run_replay(std::uint64_t seed, const Options& options, bool windows, bool forgets = false) {
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
      const RestoreSource source = checkpoint(instances, epoch, dir);
      const auto parallelism = static_cast<std::uint32_t>(1 + i * 3 / steps.size());
      if (i % 2 == 0 || parallelism != instances.size()) {
        instances = start(options, parallelism, dir, static_cast<int>(i) + 2, &source,
                          windows && !forgets ? steps[i].watermark : kNoWatermark, out);
      }
    }
    for (Instance& instance : instances) instance.running->end(out);
    BOOST_TEST(out.rows == undisturbed.rows, boost::test_tools::per_element());
    BOOST_TEST(out.late.size() == undisturbed.late.size());
  }
}

}  // namespace stream::test
