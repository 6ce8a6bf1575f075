#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

#include "snapshot/retention.h"

using namespace stream;

namespace {

// A checkpoint of one instance with these files, the first of them its base.
CheckpointIndex index_with(std::uint64_t epoch, const std::vector<std::string>& paths) {
  CheckpointIndex index;
  index.epoch = Epoch(epoch);
  index.instances = {{"s", 0, {}, "{}"}};
  for (const std::string& path : paths)
    index.instances[0].files.push_back({path, 1, std::string(64, '0'), path == paths[0]});
  return index;
}

std::vector<std::uint64_t> numbers(const std::vector<Epoch>& epochs) {
  std::vector<std::uint64_t> list;
  for (const Epoch epoch : epochs) list.push_back(epoch.value());
  return list;
}

std::set<std::string> gone(const RetentionPlan& plan) {
  std::set<std::string> files(plan.files.begin(), plan.files.end());
  for (const Epoch epoch : plan.drop) files.insert(std::to_string(epoch.value()) + "/checkpoint.sqlite");
  return files;
}

using List = std::vector<std::uint64_t>;

// Notes what becomes of a folder, and does nothing.
class NotedFiles final : public Files {
 public:
  std::vector<std::string> done;
  Status remove(const std::string& path) override { return note("remove " + path); }
  Status sync_dir(const std::string& path) override { return note("sync " + path); }
  Status write_file(const std::string&, std::string_view) override { return {}; }
  Result<std::string> read_file(const std::string&) override { return std::string(); }
  Status sync_file(const std::string&) override { return {}; }
  Status rename(const std::string&, const std::string&) override { return {}; }
  Status make_dir(const std::string&) override { return {}; }
  Status truncate(const std::string&, std::uint64_t) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }

 private:
  Status note(std::string what) {
    done.push_back(std::move(what));
    return {};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(retention)

// A power cut may keep one removal and undo another: an index that came back would name what is gone.
BOOST_AUTO_TEST_CASE(an_index_is_gone_for_good_before_any_file_it_names_goes) {
  NotedFiles files;
  BOOST_TEST(execute(files, "c", {{}, {Epoch(1), Epoch(2)}, {"1/s", "2/s"}, {"1"}}).ok());
  const std::vector<std::string> wanted = {"remove c/1/checkpoint.sqlite",
                                           "sync c/1",
                                           "remove c/2/checkpoint.sqlite",
                                           "sync c/2",
                                           "remove c/1/s",
                                           "remove c/2/s",
                                           "remove c/1"};
  BOOST_TEST(files.done == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_newest_stay_and_what_they_build_on) {
  Inventory inventory;
  inventory.indexes = {index_with(1, {"1/s"}), index_with(2, {"1/s", "2/s"}), index_with(3, {"1/s", "2/s", "3/s"}),
                       index_with(4, {"1/s", "2/s", "3/s", "4/s"})};
  inventory.files = {"1/s", "1/checkpoint.sqlite", "2/s", "2/checkpoint.sqlite", "2/checkpoint.sqlite.partial",
                     "3/s", "3/checkpoint.sqlite", "4/s", "4/checkpoint.sqlite", "notes.txt"};
  const RetentionPlan plan = plan_retention(inventory, {.keep = 2});
  BOOST_TEST(numbers(plan.keep) == (List{3, 4}), boost::test_tools::per_element());
  BOOST_TEST(numbers(plan.drop) == (List{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(plan.files == std::vector<std::string>{"2/checkpoint.sqlite.partial"}, boost::test_tools::per_element());
  BOOST_TEST(plan.folders.empty());
}

BOOST_AUTO_TEST_CASE(an_older_checkpoint_on_another_base_stays_too) {
  Inventory inventory;
  inventory.indexes = {index_with(1, {"1/a"}), index_with(2, {"2/b"}), index_with(3, {"3/c"}),
                       index_with(4, {"3/c", "4/c"}), index_with(5, {"3/c", "5/c"})};
  BOOST_TEST(numbers(plan_retention(inventory, {.keep = 2}).keep) == (List{2, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pinned_and_unfinished_epochs_are_left_alone) {
  Inventory inventory;
  inventory.indexes = {index_with(1, {"1/a"}), index_with(2, {"2/a"}), index_with(3, {"3/a"}), index_with(6, {"6/a"})};
  inventory.files = {"1/a", "1/checkpoint.sqlite", "2/a", "2/checkpoint.sqlite", "3/a", "4/a", "5/a", "6/a", "7/a"};
  inventory.pinned = {Epoch(1)};
  inventory.unreadable = {Epoch(5)};
  const RetentionPlan idle = plan_retention(inventory, {.keep = 1});
  BOOST_TEST((gone(idle) == std::set<std::string>{"2/a", "2/checkpoint.sqlite", "4/a"}));
  BOOST_TEST(idle.folders == (std::vector<std::string>{"2", "4"}), boost::test_tools::per_element());
  inventory.in_progress = {Epoch(4)};
  BOOST_TEST((gone(plan_retention(inventory, {.keep = 1})) == std::set<std::string>{}));
}

BOOST_AUTO_TEST_CASE(what_aborted_checkpoints_left_goes_at_once) {
  Inventory inventory;
  inventory.files = {"1/a", "1/b.0.a1.base.sqlite", "2/a", "3/a"};
  inventory.aborted = {Epoch(1), Epoch(2)};
  inventory.in_progress = {Epoch(3)};
  const RetentionPlan first = plan_retention(inventory, {});
  BOOST_TEST((gone(first) == std::set<std::string>{"1/a", "2/a"}));
  BOOST_TEST(first.folders.empty());
  inventory.indexes = {index_with(3, {"1/b.0.a1.base.sqlite", "3/a"})};
  inventory.files = {"1/b.0.a1.base.sqlite", "3/a", "3/checkpoint.sqlite"};
  inventory.empty = {Epoch(2), Epoch(4)};
  inventory.in_progress = {Epoch(4)};
  const RetentionPlan published = plan_retention(inventory, {});
  BOOST_TEST(gone(published).empty());
  BOOST_TEST(published.folders == std::vector<std::string>{"2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(gc_drops_no_checkpoint) {
  Inventory inventory;
  inventory.indexes = {index_with(1, {"1/a"}), index_with(9, {"9/a"})};
  inventory.files = {"1/a", "1/b", "3/x", "9/a", "9/checkpoint.sqlite", "10/a"};
  const RetentionPlan plan = plan_gc(inventory);
  BOOST_TEST(plan.drop.empty());
  BOOST_TEST(plan.files == (std::vector<std::string>{"1/b", "3/x"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_published_means_nothing_is_deleted) {
  Inventory inventory;
  inventory.files = {"1/a", "2/a"};
  BOOST_TEST(plan_retention(inventory, {}).nothing());
  BOOST_TEST(plan_gc(inventory).nothing());
}

BOOST_AUTO_TEST_CASE(whatever_the_history_no_kept_index_loses_a_file) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    Inventory inventory;
    std::vector<std::string> chain;
    for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
      const std::string file = std::to_string(epoch) + "/s";
      inventory.files.push_back(file);
      if (random() % 4 == 0) chain.clear();
      std::vector<std::string> now = chain;
      now.push_back(file);
      if (random() % 3 == 0) continue;  // aborted
      chain = now;
      inventory.files.push_back(std::to_string(epoch) + "/checkpoint.sqlite");
      if (random() % 10 == 0)
        inventory.unreadable.push_back(Epoch(epoch));
      else
        inventory.indexes.push_back(index_with(epoch, now));
      if (random() % 10 == 0) inventory.pinned.insert(Epoch(epoch));
    }
    const std::size_t keep = 1 + random() % 4;
    const RetentionPlan plan = plan_retention(inventory, {.keep = keep});
    const std::set<std::string> lost = gone(plan);
    BOOST_TEST(plan.keep.size() >= std::min(keep, inventory.indexes.size()));
    for (const CheckpointIndex& index : inventory.indexes) {
      if (!std::ranges::count(plan.keep, index.epoch)) continue;
      for (const FileRef& file : files_of(index)) BOOST_TEST(!lost.contains(file.path));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
