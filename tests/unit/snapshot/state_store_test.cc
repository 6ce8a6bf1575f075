#include <boost/test/unit_test.hpp>

#include "snapshot/snapshot_writer.h"
#include "snapshot/state_store.h"
#include "tests/support/state_model.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

SnapshotIdentity identity_of(std::uint32_t instance, std::uint32_t parallelism) {
  SnapshotIdentity identity;
  identity.job = "job";
  identity.run = std::string(32, '7');
  identity.attempt = Attempt(1);
  identity.stage = "totals";
  identity.instance = instance;
  identity.parallelism = parallelism;
  return identity;
}

WriterOptions writer_options(const TempDir& dir, std::uint32_t instance, std::uint32_t parallelism) {
  WriterOptions options;
  options.identity = identity_of(instance, parallelism);
  options.checkpoints = dir / "checkpoints";
  options.scratch = dir / ("scratch" + std::to_string(instance));
  options.increments_max = 3;
  options.compact_above_bytes = 64 << 10;
  return options;
}

RestoreSource source_of(const TempDir& dir, Epoch epoch, std::uint32_t parallelism,
                        std::vector<InstanceFiles> instances, bool extend) {
  return {dir / "checkpoints", epoch, parallelism, std::move(instances), extend};
}

template <class T>
T take(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), result.status().what());
  return *std::move(result);
}

void require_ok(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

// Random work with captures, aborted checkpoints, compactions and restores at random points.
void run_random(std::uint64_t seed, bool compress) {
  BOOST_TEST_MESSAGE("seed " << seed);
  const TempDir dir;
  RandomCells random(seed);
  const TableSpec spec = rich_spec();
  auto store = std::make_unique<StateStore>();
  StateTable* table = &store->table(spec);
  StateModel model(spec);
  WriterOptions options = writer_options(dir, 0, 1);
  options.compress = compress;
  auto writer = std::make_unique<SnapshotWriter>(system_files(), options);
  InstanceFiles complete;
  Contents at_complete;
  std::map<std::string, std::int64_t> times_at_complete;
  Epoch epoch(0);
  Epoch last(0);
  for (int round = 0; round < 60; ++round) {
    for (std::uint64_t i = random.below(200); i > 0; --i) model.step(*table, random);
    BOOST_REQUIRE(contents_of(*table) == model.contents());
    epoch = epoch.next();
    InstanceFiles files = take(writer->write(store->capture(epoch)));
    if (random.below(3) != 0) {  // else: aborted
      store->completed(epoch);
      complete = files;
      last = epoch;
      at_complete = model.contents();
      times_at_complete = model.times();
    }
    if (writer->wants_compaction()) require_ok(writer->compact());
    if (random.below(5) == 0 && last > Epoch(0)) {  // crash
      const RestoreSource source = source_of(dir, last, 1, {complete}, random.below(2) == 0);
      store = std::make_unique<StateStore>();
      table = &store->table(spec);
      require_ok(store->restore(source));
      writer = std::make_unique<SnapshotWriter>(system_files(), options);
      writer->restored(source);
      BOOST_REQUIRE(contents_of(*table) == at_complete);
      model.reset(at_complete, times_at_complete);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_store)

BOOST_AUTO_TEST_CASE(any_history_of_checkpoints_aborts_and_crashes_restores_what_was_complete) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) run_random(seed, seed % 2 == 0);
}

BOOST_AUTO_TEST_SUITE_END()
