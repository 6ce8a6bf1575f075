// The registers in a folder: of several that write, one gets it, and who comes too late knows it.
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "supervisor/ha/file_coordination.h"
#include "tests/support/fast_files.h"
#include "tests/support/temp_dir.h"

using namespace stream;
using namespace stream::ha;

namespace {

std::unique_ptr<FileCoordination> open(const TempDir& folder, const std::string& id) {
  return *FileCoordination::open(system_files(), folder.path(), "job", id);
}

// Between a look at what is there and the link that makes a new version others may do anything.
class DrowsyFiles : public FastFiles {
 public:
  explicit DrowsyFiles(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}
  Status write_file(const std::string& path, std::string_view bytes) override {
    meanwhile_();
    return FastFiles::write_file(path, bytes);
  }

 private:
  std::function<void()> meanwhile_;
};

void write_until(FileCoordination& writer, std::uint64_t version) {
  while (writer.read(Register::kJob)->version < version)
    BOOST_REQUIRE(writer.write(Register::kJob, writer.read(Register::kJob)->version, "x")->has_value());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_coordination)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_by_all) {
  const TempDir folder;
  const auto one = open(folder, "one"), other = open(folder, "other");
  BOOST_TEST(one->read(Register::kTerm)->version == 0);
  BOOST_TEST(**one->write(Register::kTerm, 0, "a") == 1);
  BOOST_TEST(other->read(Register::kTerm)->text == "a");
  BOOST_TEST(**other->write(Register::kTerm, 1, "b") == 2);
  BOOST_TEST(!one->write(Register::kTerm, 1, "c")->has_value());
  BOOST_TEST(one->read(Register::kTerm)->text == "b");
  BOOST_TEST(one->read(Register::kJob)->version == 0);
}

BOOST_AUTO_TEST_CASE(who_slept_while_versions_came_and_went_is_refused) {
  const TempDir folder;
  const auto sleeper = open(folder, "sleeper"), other = open(folder, "other");
  for (std::uint64_t version = 0; version < 200; ++version)
    BOOST_REQUIRE(other->write(Register::kJob, version, "x")->has_value());
  BOOST_TEST(!std::filesystem::exists(folder / "job/job.2"));
  BOOST_TEST(!sleeper->write(Register::kJob, 1, "late")->has_value());
  BOOST_TEST(!std::filesystem::exists(folder / "job/job.2"));
  BOOST_TEST(sleeper->read(Register::kJob)->version == 200);
}

BOOST_AUTO_TEST_CASE(who_slept_in_the_middle_of_a_write_never_believes_that_it_was_first) {
  for (const std::uint64_t meanwhile : {1, 2, 3, 10, 63, 64, 65, 66, 67, 130, 200}) {
    const TempDir folder;
    const auto other = open(folder, "other");
    write_until(*other, 1);
    DrowsyFiles files([&] { write_until(*other, 1 + meanwhile); });
    const auto sleeper = *FileCoordination::open(files, folder.path(), "job", "sleeper");
    const auto written = sleeper->write(Register::kJob, 1, "late");
    BOOST_TEST((!written.ok() || !written->has_value()));
    BOOST_TEST(other->read(Register::kJob)->version == 1 + meanwhile);
    BOOST_TEST(other->read(Register::kJob)->text == "x");
    if (meanwhile > 64) BOOST_TEST(!std::filesystem::exists(folder / "job/job.2"));
  }
}

BOOST_AUTO_TEST_CASE(little_is_left_of_what_was) {
  const TempDir folder;
  const auto one = open(folder, "one");
  for (std::uint64_t version = 0; version < 300; ++version)
    BOOST_REQUIRE(one->write(Register::kTerm, version, "x")->has_value());
  for (std::uint64_t term = 1; term < 9; ++term) BOOST_REQUIRE(open(folder, "one")->beat(term).ok());
  BOOST_TEST(system_files().list(folder / "job")->size() < 70);
}

// Each adds one to what it has read, again and again.
BOOST_AUTO_TEST_CASE(no_write_is_lost_however_many_write) {
  const TempDir folder;
  constexpr int kThreads = 4, kTimes = 50;
  std::vector<std::thread> threads;
  std::atomic<int> errors = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto own = open(folder, std::to_string(i));
      for (int done = 0; done < kTimes;) {
        const auto entry = own->read(Register::kJob);
        if (!entry.ok()) {
          ++errors;
          continue;
        }
        const int sum = entry->text.empty() ? 0 : std::stoi(entry->text);
        const auto written = own->write(Register::kJob, entry->version, std::to_string(sum + 1));
        if (!written.ok()) ++errors;
        if (written.ok() && *written) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(errors == 0);
  BOOST_TEST(open(folder, "last")->read(Register::kJob)->text == std::to_string(kThreads * kTimes));
}

BOOST_AUTO_TEST_CASE(life_is_shown_by_numbers_that_grow) {
  const TempDir folder;
  const auto leader = open(folder, "leader"), other = open(folder, "other");
  BOOST_TEST(other->pulse(3, "leader")->beats == 0);
  BOOST_REQUIRE(leader->beat(3).ok());
  const std::uint64_t first = other->pulse(3, "leader")->beats;
  BOOST_REQUIRE(leader->beat(3).ok());
  BOOST_TEST(other->pulse(3, "leader")->beats != first);
  BOOST_TEST(other->pulse(4, "other")->beats == 0);
  BOOST_REQUIRE(leader->leave(3).ok());
  BOOST_TEST(other->pulse(3, "leader")->gone);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_mounted_is_not_made) {
  const TempDir folder;
  const auto opened = FileCoordination::open(system_files(), folder / "nothing", "job", "id");
  BOOST_TEST(opened.status().what().find("mount") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
