// Every operation on files of what makes savepoints of savepoints fails once, and every operation is the last before a
// power cut: what is there then is whole, what it was made of is as it was, and the same can be done again.
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <functional>
#include <map>

#include "snapshot/savepoint.h"
#include "snapshot/workbench/state_bootstrap.h"
#include "snapshot/workbench/state_diff.h"
#include "snapshot/workbench/state_merge.h"
#include "snapshot/workbench/state_reshard.h"
#include "snapshot/workbench/state_split.h"
#include "tests/support/crashing_files.h"
#include "tests/support/failing_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

constexpr std::uint32_t kInstances = 2;
constexpr std::int64_t kKeys = 60;

TableSpec counts_spec() {
  TableSpec spec;
  spec.name = "counts";
  spec.key = {{"k", kBigint}};
  spec.value = {{"n", kBigint}};
  return spec;
}

bool owns(std::uint32_t instance, std::int64_t key) {
  ColumnBuilder column(kBigint);
  column.append(key);
  Batch batch{nullptr, 1, {}, {}};
  batch.columns.push_back(column.finish());
  std::vector<std::uint64_t> hashes(1);
  hash_keys(batch, std::vector<std::size_t>{0}, hashes);
  return owner_of(key_group_of(hashes[0], kKeyGroupsDefault), kKeyGroupsDefault, kInstances) == instance;
}

// A savepoint of the keys from `first` on.
std::string make_savepoint(const TempDir& dir, const std::string& name, std::int64_t first) {
  std::vector<InstanceFiles> all;
  for (std::uint32_t k = 0; k < kInstances; ++k) {
    Instance instance(system_files(), dir / ("of-" + name), k, kInstances);
    StateTable& table = instance.store.table(counts_spec());
    for (std::int64_t key = first; key < first + kKeys; ++key) {
      if (owns(k, key)) table.set(table.upsert({key}).first, 1, key * 10);
    }
    all.push_back(take(instance.writer.write(instance.store.capture(Epoch(1)))));
  }
  const std::string target = dir / name;
  take(build_savepoint(system_files(), {.index = index_of(Epoch(1), kInstances, all),
                                        .checkpoints = dir / ("of-" + name + "/checkpoints"),
                                        .target = target,
                                        .label = ""}));
  return target;
}

std::unique_ptr<StateView> view_of(const std::string& path) {
  return take(StateView::open(take(load_savepoint(path)), savepoint_folder(path)));
}

std::vector<ViewedTable> tables_of(const StateView& view) { return {view.tables().begin(), view.tables().end()}; }

// What makes a savepoint: into `target`, by these files.
using Make = std::function<Status(Files& files, const std::string& target, bool single)>;

struct Sources {
  Sources() : a(make_savepoint(dir, "a", 0)), b(make_savepoint(dir, "b", kKeys)) {}

  std::unique_ptr<StateDraft> draft_of_a() const {
    const auto view = view_of(a);
    auto draft = take(StateDraft::make(view->index(), tables_of(*view), dir / "draft"));
    require_ok(draft->copy(*view));
    return draft;
  }

  std::map<std::string, Make> all() const {
    return {
        {"edit", [this](Files& files, const std::string& target, bool single) { return edit(files, target, single); }},
        {"merge",
         [this](Files& files, const std::string& target, bool single) { return merge(files, target, single); }},
        {"split",
         [this](Files& files, const std::string& target, bool single) { return split(files, target, single); }},
        {"new",
         [this](Files& files, const std::string& target, bool single) { return bootstrapped(files, target, single); }},
        {"reshard",
         [this](Files& files, const std::string& target, bool single) { return resharded(files, target, single); }}};
  }

  Status edit(Files& files, const std::string& target, bool single) const {
    const auto draft = draft_of_a();
    BOOST_TEST(take(draft->change("update counts set n = n + 1")) == std::uint64_t{kKeys});
    return draft->seal(files, draft->index(), target, single).status();
  }
  Status merge(Files& files, const std::string& target, bool single) const {
    const auto draft = draft_of_a();
    const auto from = view_of(b);
    const MergeReport report = take(merge_into(*draft, draft->index(), *from, OnConflict::kFail));
    BOOST_TEST(report.rows == std::uint64_t{kKeys});
    return draft->seal(files, draft->index(), target, single).status();
  }
  Status split(Files& files, const std::string& target, bool single) const {
    const auto draft = draft_of_a();
    const auto parts = take(split_parts(*draft, {.parts = 2, .conditions = {"k % 3 = 0"}, .copied = {}}));
    return draft->seal(files, draft->index(), target, single, parts[0]).status();
  }
  Status bootstrapped(Files& files, const std::string& target, bool single) const {
    const auto view = view_of(a);
    const auto draft = take(StateDraft::make(view->index(), tables_of(*view), dir / "draft"));
    require_ok(system_files().write_file(dir / "rows.csv", "k,n\n1,10\n2,20\n"));
    const auto rows = take(open_given_rows(dir / "rows.csv", "counts"));
    BOOST_TEST(take(bootstrap(*draft, 0, *rows)) == 2U);
    return draft->seal(files, draft->index(), target, single).status();
  }
  Status resharded(Files& files, const std::string& target, bool single) const {
    return reshard(files, {.index = take(load_savepoint(a)),
                           .folder = a,
                           .key_groups = 64,
                           .plan = "{}",
                           .target = target,
                           .single_file = single})
        .status();
  }

  TempDir dir;
  std::string a;
  std::string b;
};

void require_whole(const std::string& path) {
  const CheckpointIndex index = take(load_savepoint(path));
  require_ok(verify_files(index, savepoint_folder(path)));
  const auto view = take(StateView::open(index, savepoint_folder(path)));
  BOOST_TEST(view->tables().size() == 1U);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(draft_faults)

BOOST_AUTO_TEST_CASE(what_fails_leaves_nothing_and_can_be_done_again) {
  const Sources sources;
  for (const auto& [name, make] : sources.all()) {
    for (const bool single : {false, true}) {
      const std::string folder = sources.dir / (name + (single ? "-single" : "-folder"));
      std::filesystem::create_directory(folder);
      const std::string target = folder + "/made";
      bool met = true;
      for (int n = 1; met; ++n) {
        FailingFiles files(n, FailingFiles::Effect::kNone);
        const bool made = make(files, target, single).ok();
        met = files.met();
        BOOST_TEST(made == !met, name << ", operation " << n);
        if (std::filesystem::exists(target))
          require_whole(target);  // only its name is not known to be durable
        else
          BOOST_TEST(std::filesystem::is_empty(folder), name << ", operation " << n);
        std::filesystem::remove_all(target);
      }
      require_ok(make(system_files(), target, single));
      require_whole(target);
    }
  }
  require_whole(sources.a);
  require_whole(sources.b);
  BOOST_TEST(!std::filesystem::exists(sources.dir / "draft"));
}

BOOST_AUTO_TEST_CASE(a_power_cut_leaves_the_whole_or_nothing_and_it_can_be_done_again) {
  const Sources sources;
  for (const auto& [name, make] : sources.all()) {
    for (const bool single : {false, true}) {
      bool met = true;
      for (int n = 1; met; ++n) {
        const TempDir dir;
        const std::string root = dir / "disk";
        std::filesystem::create_directory(root);
        std::filesystem::create_directory(dir / "shadow");
        CrashingFiles disk(root, dir / "shadow", n);
        const bool made = make(disk, root + "/made", single).ok();
        met = disk.met();
        BOOST_TEST(made == !met, name << ", operation " << n);
        disk.crash(n % 2 == 0 ? CrashingFiles::Names::kLost : CrashingFiles::Names::kKept);
        const bool there = std::filesystem::exists(root + "/made");
        BOOST_TEST((there || !made), name << ", operation " << n);
        if (there) {
          require_whole(root + "/made");
          continue;
        }
        require_ok(make(system_files(), root + "/made", single));
        require_whole(root + "/made");
        BOOST_TEST(std::distance(std::filesystem::directory_iterator(root), {}) == 1, name << ", operation " << n);
      }
    }
  }
  require_whole(sources.a);
  require_whole(sources.b);
}

BOOST_AUTO_TEST_SUITE_END()
