// Snapshot files that storage keeps: fetched where they are missing, deleted where nothing builds on them any more.
#include "snapshot/fetch.h"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <map>
#include <set>

#include "snapshot/digest.h"
#include "snapshot/restore.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

namespace fs = std::filesystem;

TableSpec totals() {
  TableSpec spec;
  spec.name = "totals";
  spec.key = {{"k", kBigint}};
  spec.value = {{"n", kBigint}};
  return spec;
}

void set(StateTable& table, std::int64_t k, std::int64_t n) { table.set(table.upsert({Cell(k)}).first, 1, n); }

std::set<std::string> files_below(const std::string& folder) {
  std::set<std::string> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) found.insert(fs::relative(entry.path(), folder).string());
  }
  return found;
}

// What storage is to fetch(): names and bytes, and how often each was asked for.
struct Kept {
  std::map<std::string, std::string> bytes;
  std::map<std::string, int> asked;

  FetchFile fetch() {
    return [this](const std::string& name, std::uint64_t, const std::string& path) -> Status {
      ++asked[name];
      const auto found = bytes.find(name);
      if (found == bytes.end()) return {Code::kNotFound, "no object '" + name + "'"};
      return system_files().write_file(path, found->second);
    };
  }
  FileRef add(const std::string& name, const std::string& text) {
    bytes[name] = text;
    Sha256 sha;
    sha.add(text);
    const FileDigest digest = sha.finish();
    return {name, digest.size_bytes, digest.sha256, true};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_missing_or_of_another_size_is_fetched_and_what_is_not_wanted_deleted) {
  const TempDir dir;
  Kept kept;
  const RestoreSource source{.folder = dir / "own",
                             .epoch = Epoch(2),
                             .instances = {{0, {kept.add("1/a", "one"), kept.add("2/a", "three")}}, {1, {}}}};
  fs::create_directories(dir / "own/2");
  require_ok(system_files().write_file(dir / "own/2/a", "part"));
  require_ok(system_files().write_file(dir / "own/2/b", "of another"));
  for (int i = 0; i < 2; ++i) {
    require_ok(make_present(system_files(), source, kept.fetch(), "s3://b/j"));
    BOOST_TEST(files_below(dir / "own") == (std::set<std::string>{"1/a", "2/a"}));
    BOOST_TEST(take(system_files().read_file(dir / "own/2/a")) == "three");
  }
  BOOST_TEST(kept.asked["1/a"] == 1);
  BOOST_TEST(kept.asked["2/a"] == 1);
}

BOOST_AUTO_TEST_CASE(what_is_other_than_it_should_be_is_damage_and_leaves_nothing) {
  const TempDir dir;
  Kept kept;
  const FileRef file = kept.add("1/a", "one");
  kept.bytes["1/a"] = "two";
  const Status damaged = make_present(system_files(), file, dir / "own", false, kept.fetch(), "s3://b/j");
  BOOST_TEST((damaged.code() == Code::kCorrupt));
  BOOST_TEST(damaged.what() == "'s3://b/j/1/a' does not match its SHA-256");
  kept.bytes.clear();
  BOOST_TEST((make_present(system_files(), file, dir / "own", false, kept.fetch(), "").code() == Code::kNotFound));
  BOOST_TEST(files_below(dir / "own").empty());
}

BOOST_AUTO_TEST_CASE(content_is_looked_at_where_that_is_asked_for) {
  const TempDir dir;
  Kept kept;
  const FileRef file = kept.add("1/a", "one");
  fs::create_directories(dir / "own/1");
  require_ok(system_files().write_file(dir / "own/1/a", "two"));
  require_ok(make_present(system_files(), file, dir / "own", false, kept.fetch(), ""));
  BOOST_TEST(take(system_files().read_file(dir / "own/1/a")) == "two");
  require_ok(make_present(system_files(), file, dir / "own", true, kept.fetch(), ""));
  BOOST_TEST(take(system_files().read_file(dir / "own/1/a")) == "one");
}

// Every file that a checkpoint to come builds on stays, through merges and failed checkpoints; nothing else does.
BOOST_AUTO_TEST_CASE(an_instance_alone_keeps_what_it_builds_on) {
  const TempDir dir;
  FastFiles files;
  Instance instance(files, dir.path(), 0, 1);
  WriterOptions options = Instance::options(dir.path(), 0, 1, 1);
  options.alone = true;
  SnapshotWriter writer(files, options);
  StateTable& table = instance.store.table(totals());
  const std::string folder = options.checkpoints;
  std::size_t most = 0;
  for (std::uint64_t epoch = 1; epoch <= 40; ++epoch) {
    for (std::int64_t k = 0; k < 50; ++k) set(table, k * static_cast<std::int64_t>(epoch), k);
    const InstanceFiles written = take(writer.write(instance.store.capture(Epoch(epoch))));
    const std::set<std::string> there = files_below(folder);
    for (const FileRef& file : written.files) BOOST_TEST(there.contains(file.path), file.path << " is gone");
    most = std::max(most, there.size());
    if (epoch % 5 != 0) instance.store.completed(Epoch(epoch));  // else it was aborted
    merge_if_wanted(writer);
  }
  BOOST_TEST(most <= 12);
}
