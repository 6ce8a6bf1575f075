#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "snapshot/savepoint.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;
namespace fs = std::filesystem;

namespace {

// While it lives, no file may grow beyond `bytes`: what a full disk does to SQLite's own writes.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TableSpec texts_spec() {
  TableSpec spec;
  spec.name = "texts";
  spec.key = {{"n", kBigint}};
  spec.value = {{"text", kVarchar}};
  return spec;
}

void work(StateTable& table, std::int64_t rows) {
  for (std::int64_t n = 0; n < rows; ++n) table.set_bytes(table.upsert({n}).first, 1, std::string(200, 'x'));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_fault)

BOOST_AUTO_TEST_CASE(a_full_disk_fails_one_checkpoint_and_the_next_holds_its_changes) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  StateTable& table = instance.store.table(texts_spec());
  work(table, 2'000);
  for (const rlim_t bytes : {0, 4096, 50'000, 300'000}) {
    const FullDisk full(bytes);
    Capture capture = instance.store.capture(Epoch(bytes + 1));
    const Result<InstanceFiles> written = instance.writer.write(std::move(capture));
    BOOST_TEST(!written.ok());
    BOOST_TEST((written.status().code() == Code::kSystem), written.status().what());
    BOOST_TEST(fs::is_empty(dir / "scratch0.1"));  // nothing that keeps it full
  }
  const InstanceFiles written = take(instance.writer.write(instance.store.capture(Epoch(1'000'000))));
  StateStore store;
  StateTable& restored = store.table(texts_spec());
  require_ok(store.restore({dir / "checkpoints", Epoch(1'000'000), 1, {written}, true}));
  BOOST_TEST(restored.rows() == 2'000u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_publishes_no_index) {
  FastFiles files;
  const TempDir dir;
  fs::create_directory(dir / "checkpoints");
  CheckpointIndex index = index_of(Epoch(1), 1, {});
  index.manifest = std::string(100'000, 'm');
  {
    const FullDisk full(20'000);
    BOOST_TEST((publish_checkpoint(files, dir / "checkpoints", index).code() == Code::kSystem));
  }
  BOOST_TEST(take(list_checkpoints(files, dir / "checkpoints")).empty());
  require_ok(publish_checkpoint(files, dir / "checkpoints", index));
  BOOST_TEST(take(list_checkpoints(files, dir / "checkpoints")).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_not_kept_full_by_a_savepoint) {
  FastFiles files;
  const TempDir dir;
  Instance instance(files, dir.path(), 0, 1);
  work(instance.store.table(texts_spec()), 2'000);
  const InstanceFiles written = take(instance.writer.write(instance.store.capture(Epoch(1))));
  fs::create_directory(dir / "saved");
  for (const bool single : {false, true}) {
    const SavepointRequest request{
        index_of(Epoch(1), 1, {written}), dir / "checkpoints", dir / "saved/sp", "", false, single, 0};
    {
      const FullDisk full(100'000);
      BOOST_TEST((build_savepoint(files, request).status().code() == Code::kSystem));
      BOOST_TEST(fs::is_empty(dir / "saved"));
    }
    require_ok(build_savepoint(files, request).status());
    require_ok(delete_savepoint(files, request.target).status());
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_an_error_with_its_name) {
  FastFiles files;
  const TempDir dir;
  require_ok(files.write_file(dir / "checkpoints", "in the way"));
  Instance instance(files, dir.path(), 0, 1);
  work(instance.store.table(texts_spec()), 1);
  const Result<InstanceFiles> written = instance.writer.write(instance.store.capture(Epoch(1)));
  BOOST_TEST(!written.ok());
  BOOST_TEST(written.status().what().find(dir / "checkpoints") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(publishing_a_file_that_is_not_there_fails) {
  FastFiles files;
  const TempDir dir;
  const InstanceFiles lost{0, {{"1/totals.0.a1.sqlite", 10, std::string(64, '0'), true}}};
  BOOST_TEST(!publish_checkpoint(files, dir / "checkpoints", index_of(Epoch(1), 1, {lost})).ok());
  BOOST_TEST(take(list_checkpoints(files, dir / "checkpoints")).empty());
}

BOOST_AUTO_TEST_SUITE_END()
