#include "stages/kit/progress.h"

#include <boost/test/unit_test.hpp>

#include "snapshot/snapshot_writer.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

constexpr std::uint32_t kGroups = 64;

struct Reached {
  Progress::Value value;
  std::map<std::uint64_t, Microseconds> splits;
};

// The files of instances that had come so far.
RestoreSource write(const std::string& folder, const std::vector<Reached>& instances) {
  const auto parallelism = static_cast<std::uint32_t>(instances.size());
  RestoreSource source{folder, Epoch(1), parallelism, {}, true};
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    StateStore store({i, parallelism, kGroups, true});
    Progress progress(store, i);
    progress.save(instances[i].value);
    progress.save_splits(instances[i].splits);
    WriterOptions options;
    options.identity = {"job", std::string(32, '7'), Attempt(1), "in", i, parallelism, kGroups, Epoch(1), false};
    options.checkpoints = folder;
    options.scratch = folder + "/scratch";
    SnapshotWriter writer(system_files(), std::move(options));
    auto files = writer.write(store.capture(Epoch(1)));
    BOOST_TEST_REQUIRE(files.ok());
    source.instances.push_back(*std::move(files));
  }
  return source;
}

Reached restore(const RestoreSource& source, std::uint32_t instance, std::uint32_t parallelism) {
  StateStore store({instance, parallelism, kGroups, true});
  Progress progress(store, instance);
  BOOST_TEST_REQUIRE(store.restore(source).ok());
  const Progress::Value value = progress.load(source.parallelism == parallelism ? 1 : source.parallelism);
  return {value, progress.load_splits()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(an_instance_without_event_time_has_no_state) {
  StateStore store;
  Progress progress(store, 0);
  progress.save({});
  BOOST_TEST(store.rows() == 0u);
  progress.save({7, false});
  BOOST_TEST(store.rows() == 1u);
  progress.save({});
  BOOST_TEST(progress.load(1).watermark == INT64_MIN);
}

BOOST_AUTO_TEST_CASE(the_lowest_of_several_old_instances_holds) {
  StateStore store;
  Progress(store, 0).save({7, true});
  Progress(store, 1).save({5, false});
  const Progress::Value lowest = Progress(store, 0).load(2);
  BOOST_TEST(lowest.watermark == 5);
  BOOST_TEST(!lowest.ended);
  BOOST_TEST(store.rows() == 1u);
}

BOOST_AUTO_TEST_CASE(an_old_instance_that_left_nothing_had_reached_nothing) {
  StateStore store;
  Progress(store, 0).save({7, true});
  const Progress::Value lowest = Progress(store, 0).load(2);
  BOOST_TEST(lowest.watermark == INT64_MIN);
  BOOST_TEST(!lowest.ended);
}

BOOST_AUTO_TEST_CASE(an_instance_goes_on_from_where_it_stood_itself) {
  const TempDir dir;
  const RestoreSource source = write(dir.path(), {{{7, true}, {{1, 10}}}, {{5, false}, {{2, 8}}}});
  const Reached first = restore(source, 0, 2);
  BOOST_TEST(first.value.watermark == 7);
  BOOST_TEST(first.value.ended);
  BOOST_TEST((first.splits == std::map<std::uint64_t, Microseconds>{{1, 10}}));
  BOOST_TEST(restore(source, 1, 2).value.watermark == 5);
}

// It may have got state, or splits, of any of them: a window that has fired must not open again, and no row come late.
BOOST_AUTO_TEST_CASE(with_another_parallelism_every_instance_goes_on_from_the_lowest) {
  const TempDir dir;
  const RestoreSource source = write(dir.path(), {{{7, false}, {{1, 10}}}, {{5, false}, {{2, 8}}}});
  for (const std::uint32_t parallelism : {1U, 3U}) {
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      const Reached reached = restore(source, i, parallelism);
      BOOST_TEST(reached.value.watermark == 5);
      BOOST_TEST((reached.splits == std::map<std::uint64_t, Microseconds>{{1, 10}, {2, 8}}));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
