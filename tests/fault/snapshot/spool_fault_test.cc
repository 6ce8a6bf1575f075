#include <boost/test/unit_test.hpp>

#include <filesystem>

#include "snapshot/spool_writer.h"
#include "tests/support/crashing_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

constexpr SpoolWriter::Sizes kSmall{20, 30};
constexpr int kParts = 12;

std::string part(int i) { return "part " + std::to_string(i) + " of the input\n"; }

struct Life {
  std::uint64_t promised = 0;   // bytes that readers were let see
  std::uint64_t forgotten = 0;  // a checkpoint has covered them
  bool ended = false;
  std::uint64_t input = 0;
};

// What a reader sees at this moment.
void look(const std::string& folder, Life& life) {
  const auto length = read_spool_length(system_files(), folder, life.input);
  if (!length.ok()) return;
  life.promised = length->bytes;
  life.ended = length->state == SpoolState::kEnded;
}

// Spools an input, forgetting it half way behind the last byte, as retention does, and lives on for a while.
Life live(Files& files, const std::string& folder) {
  Life life;
  SpoolWriter writer(files, folder, kSmall);
  Status status = writer.begin(7);
  life.input = writer.position().input;
  for (int i = 0; status.ok() && i < kParts; ++i) {
    status = writer.append(part(i));
    if (!status.ok()) break;
    BOOST_TEST(take(read_spool_length(system_files(), folder, life.input)).bytes == writer.position().offset);
    life.forgotten = writer.position().offset / 2;
    status = forget_spool(files, folder, {life.input, life.forgotten});
  }
  look(folder, life);
  if (!status.ok() || !writer.end().ok()) return life;
  look(folder, life);
  (void)files.write_file(folder + "/later", "");
  return life;
}

std::string everything() {
  std::string all;
  for (int i = 0; i < kParts; ++i) all += part(i);
  return all;
}

// The supervisor that comes next: what was promised is there, from what was not forgotten on, and right.
void check_after(const std::string& folder, const Life& life) {
  require_ok(cut_spool(system_files(), folder));
  if (life.promised == 0) return;
  const SpoolLength length = take(read_spool_length(system_files(), folder, life.input));
  BOOST_TEST(length.bytes >= life.promised);
  if (life.ended) BOOST_TEST((length.state == SpoolState::kEnded));
  const std::string wanted = everything();
  for (const SpooledFiles& spooled : take(list_spool(system_files(), folder))) {
    BOOST_TEST_REQUIRE(!spooled.segments.empty());
    BOOST_TEST(spooled.segments.front() == 0u);
    std::uint64_t covered = life.forgotten;
    for (std::size_t i = 0; i < spooled.segments.size(); ++i) {
      const std::uint64_t begin = spooled.segments[i];
      const std::string bytes = take(system_files().read_file(folder + "/" + spool_segment_name({life.input, begin})));
      BOOST_TEST(wanted.substr(begin, bytes.size()) == bytes);
      if (begin <= covered) covered = std::max<std::uint64_t>(covered, begin + bytes.size());
    }
    BOOST_TEST(covered >= life.promised);
  }
}

void crash_everywhere(CrashingFiles::Names names) {
  int crashes = 0;
  for (int op = 1;; ++op) {
    BOOST_TEST_CONTEXT("crash at operation " << op) {
      const TempDir dir;
      std::filesystem::create_directory(dir / "root");
      std::filesystem::create_directory(dir / "shadow");
      CrashingFiles disk(dir / "root", dir / "shadow", op);
      const Life life = live(disk, dir / "root/spool");
      if (!disk.met()) {
        BOOST_TEST(life.ended);
        BOOST_TEST(crashes > 3 * kParts);
        return;
      }
      ++crashes;
      disk.crash(names);
      if (std::filesystem::exists(dir / "root/spool")) check_after(dir / "root/spool", life);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_fault)

BOOST_AUTO_TEST_CASE(no_crash_loses_what_readers_were_let_see) { crash_everywhere(CrashingFiles::Names::kLost); }
BOOST_AUTO_TEST_CASE(nor_one_that_keeps_names) { crash_everywhere(CrashingFiles::Names::kKept); }

BOOST_AUTO_TEST_SUITE_END()
