#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <future>

#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"
#include "tests/support/state_model.h"

using namespace stream;

namespace {

// A merge beside the writer, which goes on.
class Merging {
 public:
  // One step further: begins, goes on for some rounds, is taken up.
  void step(SnapshotWriter& writer, RandomCells& random) {
    if (!merge_) {
      merge_ = writer.begin_merge();
      if (merge_) done_ = std::async(std::launch::async, [this, &writer] { return writer.merge(*merge_); });
    } else if (random.below(4) == 0) {
      end(writer);
    }
  }
  // Before the writer goes.
  void abandon() {
    if (merge_) require_ok(done_.get());
    merge_.reset();
  }

 private:
  void end(SnapshotWriter& writer) {
    require_ok(done_.get());
    writer.merged(*std::move(merge_));
    merge_.reset();
  }

  std::optional<SnapshotWriter::Merge> merge_;
  std::future<Status> done_;
};

// Random work with captures, aborted checkpoints, merges and restores at random points.
void run_random(std::uint64_t seed, bool compress) {
  BOOST_TEST_MESSAGE("seed " << seed);
  const TempDir dir;
  RandomCells random(seed);
  const TableSpec spec = rich_spec();
  auto store = std::make_unique<StateStore>();
  StateTable* table = &store->table(spec);
  StateModel model(spec);
  FastFiles files;
  WriterOptions options = Instance::options(dir.path(), 0, 1, 1);
  options.compress = compress;
  auto writer = std::make_unique<SnapshotWriter>(files, options);
  Merging merging;
  InstanceFiles complete;
  Contents at_complete;
  std::map<std::string, std::int64_t> times_at_complete;
  Epoch epoch(0);
  Epoch last(0);
  for (int round = 0; round < 60; ++round) {
    for (std::uint64_t i = random.below(200); i > 0; --i) model.step(*table, random);
    BOOST_REQUIRE(contents_of(*table) == model.contents());
    epoch = epoch.next();
    const InstanceFiles written = take(writer->write(store->capture(epoch)));
    if (random.below(3) != 0) {  // else: aborted
      store->completed(epoch);
      complete = written;
      last = epoch;
      at_complete = model.contents();
      times_at_complete = model.times();
    }
    merging.step(*writer, random);
    if (random.below(5) == 0 && last > Epoch(0)) {  // crash
      merging.abandon();
      const RestoreSource source{dir / "checkpoints", last, 1, {complete}, random.below(2) == 0};
      store = std::make_unique<StateStore>();
      table = &store->table(spec);
      require_ok(store->restore(source));
      writer = std::make_unique<SnapshotWriter>(files, options);
      writer->restored(source);
      BOOST_REQUIRE(contents_of(*table) == at_complete);
      model.reset(at_complete, times_at_complete);
    }
  }
  merging.abandon();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_store)

BOOST_AUTO_TEST_CASE(any_history_of_checkpoints_aborts_and_crashes_restores_what_was_complete) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) run_random(seed, seed % 2 == 0);
}

// The merge takes as long as it likes: checkpoints are written and completed meanwhile, and build on what they know.
BOOST_AUTO_TEST_CASE(checkpoints_go_on_while_files_are_merged) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  StateTable& table = instance.store.table(rich_spec());
  StateModel model(rich_spec());
  RandomCells random(1);
  InstanceFiles newest;
  std::uint64_t epoch = 0;
  const auto checkpoint = [&] {
    for (int n = 0; n < 40; ++n) model.step(table, random);
    newest = take(instance.writer.write(instance.store.capture(Epoch(++epoch))));
    instance.store.completed(Epoch(epoch));
  };
  std::optional<SnapshotWriter::Merge> merge;
  while (!(merge = instance.writer.begin_merge())) checkpoint();
  const std::uint64_t begun = epoch;
  const std::size_t replaced = merge->files.size();
  require_ok(instance.writer.merge(*merge, [&](const std::function<Status()>& step) {
    checkpoint();
    return step();
  }));
  checkpoint();
  BOOST_TEST(epoch - begun >= 2U);
  BOOST_TEST((std::equal(merge->files.begin(), merge->files.end(), newest.files.begin())));
  const std::size_t before = newest.files.size();
  instance.writer.merged(*std::move(merge));
  checkpoint();
  BOOST_TEST(newest.files.size() == before - replaced + 2);
  BOOST_TEST(is_merged_base(newest.files.front().path));
  StateStore again;
  const StateTable& restored = again.table(rich_spec());
  require_ok(again.restore({dir / "checkpoints", Epoch(epoch), 1, {newest}, true}));
  BOOST_TEST((contents_of(restored) == model.contents()));
}

BOOST_AUTO_TEST_CASE(a_merge_that_is_left_leaves_nothing) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  StateTable& table = instance.store.table(rich_spec());
  StateModel model(rich_spec());
  RandomCells random(2);
  std::uint64_t epoch = 0;
  std::optional<SnapshotWriter::Merge> merge;
  while (!(merge = instance.writer.begin_merge())) {
    for (int n = 0; n < 40; ++n) model.step(table, random);
    take(instance.writer.write(instance.store.capture(Epoch(++epoch))));
    instance.store.completed(Epoch(epoch));
  }
  const Status left = instance.writer.merge(*merge, [](const std::function<Status()>&) { return failed("left"); });
  BOOST_TEST(left.what() == "left");
  BOOST_TEST(!std::filesystem::exists(merge->scratch_path));
  require_ok(instance.writer.merge(*instance.writer.begin_merge()));
}

// Changes are kept apart for a few aborted checkpoints only; what is joined must say the same.
BOOST_AUTO_TEST_CASE(what_went_before_many_aborted_checkpoints_stays_gone) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  TableSpec spec;
  spec.name = "timed";
  spec.key = {{"n", kBigint}};
  spec.value = {{"at", kTimestamp}};
  spec.ordered = "at";
  TableSpec other = spec;
  other.name = "other";
  StateTable& timed = instance.store.table(spec);
  StateTable& cleared = instance.store.table(other);
  for (std::int64_t n = 1; n <= 10; ++n) {
    for (StateTable* table : {&timed, &cleared}) table->set(table->upsert({n}).first, 1, n * 10);
  }
  InstanceFiles written;
  for (std::uint64_t e = 1; e <= 3; ++e) {
    written = take(instance.writer.write(instance.store.capture(Epoch(e))));
    instance.store.completed(Epoch(e));
  }
  timed.erase(timed.find({std::int64_t{7}}));
  BOOST_TEST(timed.erase_before(35) == 3u);
  cleared.clear();
  cleared.upsert({std::int64_t{3}});
  for (std::uint64_t e = 4; e <= 20; ++e) written = take(instance.writer.write(instance.store.capture(Epoch(e))));
  StateStore store;
  StateTable& restored = store.table(spec);
  StateTable& other_restored = store.table(other);
  require_ok(store.restore({dir / "checkpoints", Epoch(20), 1, {written}, true}));
  BOOST_TEST((contents_of(restored) == contents_of(timed)));
  BOOST_TEST(restored.rows() == 6u);
  BOOST_TEST((contents_of(other_restored) == contents_of(cleared)));
  BOOST_TEST(other_restored.rows() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
