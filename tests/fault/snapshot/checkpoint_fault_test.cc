#include <boost/test/unit_test.hpp>

#include <filesystem>

#include "snapshot/retention.h"
#include "snapshot/savepoint.h"
#include "tests/support/crashing_files.h"
#include "tests/support/failing_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

constexpr std::uint64_t kEpochs = 9;

TableSpec counts_spec() {
  TableSpec spec;
  spec.name = "counts";
  spec.key = {{"n", kBigint}};
  spec.value = {{"count", kBigint}};
  return spec;
}

// The work before checkpoint `epoch`: the state afterwards is a function of the epoch alone.
void work(StateTable& table, std::uint64_t epoch) {
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Row row = table.upsert({static_cast<std::int64_t>((epoch * 7 + i) % 100)}).first;
    table.set(row, 1, static_cast<std::int64_t>(epoch));
  }
  if (const Row row = table.find({static_cast<std::int64_t>(epoch)})) table.erase(row);
}

std::map<std::int64_t, std::int64_t> contents(const StateTable& table) {
  std::map<std::int64_t, std::int64_t> all;
  table.for_each([&](Row row) { all[table.get<std::int64_t>(row, 0)] = table.get<std::int64_t>(row, 1); });
  return all;
}

std::map<std::int64_t, std::int64_t> expected(std::uint64_t epochs) {
  StateTable table(counts_spec(), false);
  for (std::uint64_t e = 1; e <= epochs; ++e) work(table, e);
  return contents(table);
}

Status clean_up(Files& files, const std::string& checkpoints) {
  STREAM_ASSIGN(const Inventory inventory, take_inventory(files, checkpoints));
  return execute(files, checkpoints, plan_retention(inventory, {.keep = 1}));
}

// One whole life: checkpoints, the fourth aborted, with retention and compaction between them.
// Returns the newest epoch whose publication was promised.
Epoch live(Files& files, const std::string& root) {
  Epoch promised;
  Instance instance(files, root, 0, 1);
  StateTable& table = instance.store.table(counts_spec());
  for (std::uint64_t e = 1; e <= kEpochs; ++e) {
    work(table, e);
    const Result<InstanceFiles> written = instance.writer.write(instance.store.capture(Epoch(e)));
    if (!written.ok()) return promised;
    if (e == 4) continue;
    if (!publish_checkpoint(files, root + "/checkpoints", index_of(Epoch(e), 1, {*written})).ok()) return promised;
    promised = Epoch(e);
    instance.store.completed(promised);
    if (!try_merge(instance.writer).ok()) return promised;
    if (!clean_up(files, root + "/checkpoints").ok()) return promised;
  }
  return promised;
}

void check_after(const std::string& root, Epoch promised) {
  const std::string checkpoints = root + "/checkpoints";
  const NewestGood found = take(find_newest_good(system_files(), checkpoints));
  for (const Damaged& damaged : found.damaged)
    BOOST_ERROR("damaged: " << damaged.epoch.value() << ": " << damaged.reason);
  const Epoch epoch = found.index ? found.index->epoch : Epoch(0);
  BOOST_REQUIRE(epoch >= promised);
  BOOST_REQUIRE(epoch.value() <= promised.value() + 2);
  if (!found.index) return;
  Instance after(system_files(), root, 0, 1, 2);
  StateTable& table = after.store.table(counts_spec());
  const RestoreSource source = restore_source(*found.index, "totals", checkpoints, true);
  require_ok(after.store.restore(source));
  BOOST_REQUIRE(contents(table) == expected(epoch.value()));
  // Life goes on: the next checkpoint builds on what was found.
  after.writer.restored(source);
  work(table, epoch.value() + 1);
  const Epoch next(epoch.value() + 10);
  const InstanceFiles files = take(after.writer.write(after.store.capture(next)));
  require_ok(publish_checkpoint(system_files(), checkpoints, index_of(next, 1, {files})));
  require_ok(clean_up(system_files(), checkpoints));
  BOOST_REQUIRE(take(load_checkpoint(checkpoints, next)).epoch == next);
}

int crash_everywhere(CrashingFiles::Names names) {
  for (int n = 1;; ++n) {
    BOOST_TEST_CONTEXT("crash at operation " << n) {
      const TempDir dir;
      const std::string root = dir / "disk";
      std::filesystem::create_directory(root);
      std::filesystem::create_directory(dir / "shadow");
      CrashingFiles disk(root, dir / "shadow", n);
      // The checkpoints folder is as old as the job.
      std::filesystem::create_directory(root + "/checkpoints");
      CrashingFiles* files = &disk;
      require_ok(n == 1 ? Status() : files->sync_dir(root));
      const Epoch promised = live(disk, root);
      if (!disk.met()) return n - 1;
      disk.crash(names);
      std::filesystem::create_directories(root + "/checkpoints");
      check_after(root, promised);
    }
  }
}

// One step of a life that goes on after errors, as an instance and its supervisor do. True if the
// checkpoint was published.
bool step(Files& files, Instance& instance, const std::string& root, Epoch epoch) {
  const Result<InstanceFiles> written = instance.writer.write(instance.store.capture(epoch));
  if (!written.ok()) return false;
  if (!publish_checkpoint(files, root + "/checkpoints", index_of(epoch, 1, {*written})).ok()) return false;
  instance.store.completed(epoch);
  (void)try_merge(instance.writer);
  (void)clean_up(files, root + "/checkpoints");
  return true;
}

int fail_everywhere(FailingFiles::Effect effect) {
  for (int n = 1;; ++n) {
    BOOST_TEST_CONTEXT("operation " << n << " fails") {
      const TempDir dir;
      FailingFiles files(n, effect);
      Instance instance(files, dir.path(), 0, 1);
      StateTable& table = instance.store.table(counts_spec());
      Epoch promised;
      for (std::uint64_t e = 1; e <= kEpochs; ++e) {
        work(table, e);
        const bool before = files.met();
        const bool published = step(files, instance, dir.path(), Epoch(e));
        BOOST_REQUIRE(published || (!before && files.met()));
        if (published) promised = Epoch(e);
      }
      if (!files.met()) return n - 1;
      check_after(dir.path(), promised);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_fault)

BOOST_AUTO_TEST_CASE(a_power_cut_at_any_operation_leaves_the_newest_promised_checkpoint_whole) {
  BOOST_TEST(crash_everywhere(CrashingFiles::Names::kLost) > 80);
}

BOOST_AUTO_TEST_CASE(a_power_cut_that_keeps_names_but_not_bytes_leaves_it_whole_too) {
  BOOST_TEST(crash_everywhere(CrashingFiles::Names::kKept) > 80);
}

BOOST_AUTO_TEST_CASE(an_operation_that_fails_costs_one_checkpoint_and_the_next_succeeds) {
  BOOST_TEST(fail_everywhere(FailingFiles::Effect::kNone) > 80);
  BOOST_TEST(fail_everywhere(FailingFiles::Effect::kAll) > 80);
}

BOOST_AUTO_TEST_CASE(a_savepoint_that_fails_leaves_nothing_behind) {
  const TempDir dir;
  Instance instance(system_files(), dir.path(), 0, 1);
  work(instance.store.table(counts_spec()), 1);
  const InstanceFiles written = take(instance.writer.write(instance.store.capture(Epoch(1))));
  for (const bool single : {false, true}) {
    const std::string folder = dir / (single ? "single" : "folder");
    std::filesystem::create_directory(folder);
    const SavepointRequest request{
        index_of(Epoch(1), 1, {written}), dir / "checkpoints", folder + "/sp", "", false, single, 0};
    bool met = true;
    for (int n = 1; met; ++n) {
      FailingFiles files(n, FailingFiles::Effect::kNone);
      const bool built = build_savepoint(files, request).ok();
      met = files.met();
      BOOST_TEST(built == !met);
      if (!std::filesystem::exists(request.target)) BOOST_TEST(std::filesystem::is_empty(folder), "operation " << n);
      std::filesystem::remove_all(request.target);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_savepoint_is_there_as_a_whole_or_not_at_all) {
  for (const bool single : {false, true}) {
    bool met = true;
    for (int n = 1; met; ++n) {
      const TempDir dir;
      const std::string root = dir / "disk";
      std::filesystem::create_directories(root + "/checkpoints");
      std::filesystem::create_directory(dir / "shadow");
      Instance instance(system_files(), dir.path(), 0, 1);
      work(instance.store.table(counts_spec()), 1);
      const InstanceFiles files = take(instance.writer.write(instance.store.capture(Epoch(1))));
      SavepointRequest request{index_of(Epoch(1), 1, {files}), dir / "checkpoints", root + "/sp", "", false, single, 0};
      CrashingFiles disk(root, dir / "shadow", n);
      const bool built = build_savepoint(disk, request).ok();
      met = disk.met();
      BOOST_TEST(built == !met);
      disk.crash(CrashingFiles::Names::kLost);
      if (built) {
        require_ok(verify_files(take(load_savepoint(root + "/sp")), savepoint_folder(root + "/sp")));
      } else if (std::filesystem::exists(root + "/sp")) {
        require_ok(load_savepoint(root + "/sp").status());
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
