#include <sys/wait.h>
#include <unistd.h>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>

#include "snapshot/archive/open_savepoint.h"
#include "snapshot/archive/pack.h"
#include "snapshot/archive/tar.h"
#include "snapshot/archive/zstd_stream.h"
#include "snapshot/restore.h"
#include "snapshot/savepoint_partial.h"
#include "tests/support/crashing_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

namespace fs = std::filesystem;

TableSpec counts_spec() {
  TableSpec spec;
  spec.name = "counts";
  spec.key = {{"n", kBigint}};
  spec.value = {{"count", kBigint}, {"text", kVarchar}};
  return spec;
}

// A checkpoint with some rows, and requests for savepoints of it.
class Checkpoint {
 public:
  Checkpoint() : instance_(system_files(), dir_.path(), 0, 1) {
    StateTable& table = instance_.store.table(counts_spec());
    for (std::int64_t i = 0; i < 200; ++i) {
      const Row row = table.upsert({i}).first;
      table.set(row, 1, i * i);
      table.set(row, 2, std::string_view("some text"));
    }
    files_ = take(instance_.writer.write(instance_.store.capture(Epoch(1))));
  }

  SavepointRequest request(const std::string& target, bool single) const {
    return {index_of(Epoch(1), 1, {files_}), dir_ / "checkpoints", target, "lab", false, single, 17, "a note"};
  }
  std::string operator/(const std::string& name) const { return dir_ / name; }

 private:
  TempDir dir_;
  Instance instance_;
  InstanceFiles files_;
};

using Contents = std::map<std::int64_t, std::int64_t>;

Result<Contents> contents_of(const std::string& path, const std::string& scratch) {
  STREAM_ASSIGN(const OpenSavepoint opened, OpenSavepoint::open(path, scratch));
  STREAM_TRY(verify_files(opened.index(), opened.folder()));
  STREAM_ASSIGN(const auto reader,
                RestoreReader::open(restore_source(opened.index(), "totals", opened.folder(), false), {0, 1, 1024}));
  StateTable table(counts_spec(), false);
  STREAM_TRY(reader->load({0, 1024}, table));
  Contents contents;
  table.for_each([&](Row row) { contents[table.get<std::int64_t>(row, 0)] = table.get<std::int64_t>(row, 1); });
  return contents;
}

std::string bytes_of(const std::string& path) { return take(system_files().read_file(path)); }

void put(const std::string& path, const std::string& bytes) {
  fs::remove(path);
  require_ok(system_files().write_file(path, bytes));
}

// An archive of these entries.
struct Entry {
  std::string name;
  std::string bytes;
  char type = '0';
};
std::string tar_of(const std::vector<Entry>& entries) {
  std::string tar;
  for (const Entry& entry : entries) {
    std::string header = take(tar_header({"x", entry.bytes.size(), false}, 0));
    header.replace(0, 100, entry.name + std::string(100 - entry.name.size(), '\0'));
    header[156] = entry.type;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < header.size(); ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    char text[8];
    std::snprintf(text, sizeof text, "%06llo", static_cast<unsigned long long>(sum));
    header.replace(148, 7, std::string(text, 6) + '\0');
    tar += header + entry.bytes + std::string(tar_padding(entry.bytes.size()), '\0');
  }
  return tar + std::string(2 * kTarBlock, '\0');
}

void compress(const std::string& path, const std::string& bytes) {
  std::string packed;
  ZstdWriter out([&](std::string_view piece) {
    packed += piece;
    return Status();
  });
  require_ok(out.write(bytes));
  require_ok(out.finish());
  put(path, packed);
}

// Whoever alters a byte is refused, or has altered nothing that is read.
void alter_everywhere(const std::string& target, const std::string& path, const std::string& scratch) {
  const Contents whole = take(contents_of(target, scratch));
  const std::string bytes = bytes_of(path);
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 400);
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step, ++tried) {
    std::string altered = bytes;
    altered[at] = static_cast<char>(altered[at] ^ (1 << (at % 8)));
    put(path, altered);
    const auto read = contents_of(target, scratch);
    if (!read.ok())
      ++refused;
    else
      BOOST_REQUIRE_MESSAGE(*read == whole, path << ", byte " << at);
  }
  for (const std::size_t size : {bytes.size() - 1, bytes.size() / 2, std::size_t{0}}) {
    put(path, bytes.substr(0, size));
    const auto read = contents_of(target, scratch);
    if (read.ok()) BOOST_TEST((*read == whole), path << ", cut to " << size);
  }
  put(path, bytes);
  BOOST_TEST((take(contents_of(target, scratch)) == whole));
  BOOST_TEST_MESSAGE(path << ": " << refused << " of " << tried << " refused");
  BOOST_TEST(refused > tried / 50);
}

// Dies at every operation of `act`; afterwards `check` looks at what a power cut has left.
int crash_everywhere(const std::function<Status(Files&, const std::string& root)>& act,
                     const std::function<void(const std::string& root, bool done)>& check) {
  int n = 1;
  for (bool met = true; met; ++n) {
    for (const auto names : {CrashingFiles::Names::kLost, CrashingFiles::Names::kKept}) {
      const TempDir dir;
      fs::create_directory(dir / "disk");
      fs::create_directory(dir / "shadow");
      CrashingFiles disk(dir / "disk", dir / "shadow", n);
      const bool done = act(disk, dir / "disk").ok();
      met = disk.met();
      disk.crash(names);
      check(dir / "disk", done);
    }
  }
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(archive)

BOOST_AUTO_TEST_CASE(an_archive_holds_what_was_packed_and_unpacks_to_it) {
  const Checkpoint checkpoint;
  for (const bool single : {false, true}) {
    const std::string name = checkpoint / (single ? "single.sqlite" : "folder");
    const CheckpointIndex built = take(build_savepoint(system_files(), checkpoint.request(name, single)));
    const Contents whole = take(contents_of(name, checkpoint / "scratch"));
    BOOST_TEST(whole.size() == 200u);
    require_ok(pack_savepoint(system_files(), name, name + ".tar.zst"));
    BOOST_TEST(is_archive(name + ".tar.zst"));
    BOOST_TEST(!is_archive(name));
    BOOST_TEST((take(contents_of(name + ".tar.zst", checkpoint / "scratch")) == whole));
    BOOST_TEST(fs::is_empty(checkpoint / "scratch"));
    const CheckpointIndex index = take(savepoint_index(name + ".tar.zst", checkpoint / "scratch"));
    BOOST_TEST(index.label == "lab");
    BOOST_TEST(index.note == "a note");
    BOOST_TEST(index.written_by == STREAM_VERSION);
    BOOST_TEST(index.epoch.value() == built.epoch.value());
    take(unpack_savepoint(system_files(), name + ".tar.zst", name + ".again"));
    BOOST_TEST((take(contents_of(name + ".again", checkpoint / "scratch")) == whole));
    BOOST_TEST((pack_savepoint(system_files(), name, name + ".tar.zst").code() == Code::kUsage));
    take(delete_any_savepoint(system_files(), name + ".tar.zst", checkpoint / "scratch"));
    BOOST_TEST(!fs::exists(name + ".tar.zst"));
  }
  take(build_archive(system_files(), checkpoint.request(checkpoint / "at-once.tar.zst", false)));
  BOOST_TEST(take(contents_of(checkpoint / "at-once.tar.zst", checkpoint / "scratch")).size() == 200u);
  BOOST_TEST(!fs::exists(unpacked_name(checkpoint / "at-once.tar.zst")));
}

BOOST_AUTO_TEST_CASE(an_altered_byte_anywhere_is_refused_or_makes_no_difference) {
  const Checkpoint checkpoint;
  const std::string scratch = checkpoint / "scratch";
  take(build_savepoint(system_files(), checkpoint.request(checkpoint / "folder", false)));
  for (const char* file : {"savepoint.sqlite", "totals.0.sqlite"})
    alter_everywhere(checkpoint / "folder", checkpoint / "folder/" + file, scratch);
  take(build_savepoint(system_files(), checkpoint.request(checkpoint / "single.sqlite", true)));
  alter_everywhere(checkpoint / "single.sqlite", checkpoint / "single.sqlite", scratch);
  take(build_archive(system_files(), checkpoint.request(checkpoint / "a.tar.zst", false)));
  alter_everywhere(checkpoint / "a.tar.zst", checkpoint / "a.tar.zst", scratch);
  BOOST_TEST(fs::is_empty(scratch));
}

BOOST_AUTO_TEST_CASE(what_is_packed_into_a_sink_is_the_same_archive) {
  const Checkpoint checkpoint;
  for (const bool single : {false, true}) {
    const std::string path = checkpoint / (single ? "single.sqlite" : "folder");
    take(build_savepoint(system_files(), checkpoint.request(path, single)));
    require_ok(pack_savepoint(system_files(), path, checkpoint / "sent.tar.zst"));
    std::string sent;
    const ByteSink sink = [&](std::string_view piece) {
      sent += piece;
      return Status();
    };
    require_ok(pack_into(system_files(), path, "sent.tar.zst", sink));
    BOOST_TEST((sent == bytes_of(checkpoint / "sent.tar.zst")));
    fs::remove(checkpoint / "sent.tar.zst");
    const ByteSink gone = [](std::string_view) { return Status(Code::kInterrupted, "gone"); };
    BOOST_TEST((pack_into(system_files(), path, "sent.tar.zst", gone).code() == Code::kInterrupted));
  }
  std::string bytes = bytes_of(checkpoint / "folder/totals.0.sqlite");
  bytes[bytes.size() / 2] ^= 1;
  put(checkpoint / "folder/totals.0.sqlite", bytes);
  const ByteSink any = [](std::string_view) { return Status(); };
  BOOST_TEST((pack_into(system_files(), checkpoint / "folder", "x", any).code() == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(nothing_but_files_of_a_savepoint_leaves_an_archive) {
  const TempDir dir;
  const std::string archive = dir / "x.tar.zst";
  const std::vector<std::vector<Entry>> hostile = {
      {{"../escaped", "x"}},
      {{"a/../../escaped", "x"}},
      {{"/tmp/escaped", "x"}},
      {{"a/b/escaped", "x"}},
      {{"a\nb", "x"}},
      {{"", "x"}},
      {{".", "x"}},
      {{"savepoint.sqlite", "", '2'}},
      {{"savepoint.sqlite", "", '1'}},
      {{"device", "", '3'}},
      {{"pipe", "", '6'}},
      {{"sparse", "", 'S'}},
      {{"savepoint.sqlite", "x"}, {"b/savepoint.sqlite", "y"}},
      {{"one", "x"}, {"two", "y"}},
      {{"x", "19 path=../escaped\n", 'x'}, {"one", "x"}},
      {{"x", "99999 path=x\n", 'x'}, {"one", "x"}},
      {{"././@LongLink", std::string(2 << 20, 'a'), 'L'}, {"one", "x"}},
      {},
  };
  for (const std::vector<Entry>& entries : hostile) {
    compress(archive, tar_of(entries));
    fs::remove_all(dir / "in");
    fs::create_directory(dir / "in");
    const auto unpacked = unpack_archive(archive, dir / "in", false);
    BOOST_TEST(!unpacked.ok(), (entries.empty() ? "nothing" : entries[0].name));
    BOOST_TEST(!fs::exists(dir / "escaped"));
    BOOST_TEST(!OpenSavepoint::open(archive, dir / "scratch").ok());
    BOOST_TEST(fs::is_empty(dir / "scratch"));
  }
  BOOST_TEST(!fs::exists("/tmp/escaped"));
}

BOOST_AUTO_TEST_CASE(an_archive_that_says_it_is_larger_than_the_disk_is_refused_before_it_fills_it) {
  const TempDir dir;
  std::string header = take(tar_header({"a/savepoint.sqlite", std::uint64_t{1} << 60, false}, 0));
  compress(dir / "x.tar.zst", header + std::string(1 << 20, '\0'));
  const auto opened = OpenSavepoint::open(dir / "x.tar.zst", dir / "scratch");
  BOOST_TEST(!opened.ok());
  BOOST_TEST(opened.status().what().find("too little space") != std::string::npos, opened.status().what());
  BOOST_TEST(fs::is_empty(dir / "scratch"));
}

BOOST_AUTO_TEST_CASE(what_tar_makes_of_an_unpacked_archive_is_read_again) {
  const Checkpoint checkpoint;
  take(build_savepoint(system_files(), checkpoint.request(checkpoint / "folder", false)));
  const std::string top = checkpoint / "";
  for (const std::string format : {"gnu", "ustar", "pax", "oldgnu"}) {
    const std::string archive = top + format + ".tar.zst";
    const std::string command = "tar --zstd --format=" + format + " -cf " + archive + " -C " + top + " folder";
    BOOST_REQUIRE(std::system(command.c_str()) == 0);
    BOOST_TEST(take(contents_of(archive, checkpoint / "scratch")).size() == 200u);
    const std::string flat = "tar --zstd --format=" + format + " -cf " + archive + " -C " + top + "folder .";
    BOOST_REQUIRE(std::system(flat.c_str()) == 0);
    BOOST_TEST(take(contents_of(archive, checkpoint / "scratch")).size() == 200u);
  }
}

BOOST_AUTO_TEST_CASE(an_archive_is_there_as_a_whole_or_not_at_all_and_can_be_made_again) {
  const Checkpoint checkpoint;
  const int operations = crash_everywhere(
      [&](Files& files, const std::string& root) {
        return build_archive(files, checkpoint.request(root + "/1.tar.zst", false)).status();
      },
      [&](const std::string& root, bool done) {
        const std::string target = root + "/1.tar.zst";
        BOOST_TEST((!done || fs::exists(target)));
        if (fs::exists(target)) {
          BOOST_TEST(take(contents_of(target, root + "/scratch")).size() == 200u);
          fs::remove(target);
        }
        take(build_archive(system_files(), checkpoint.request(target, false)));
        require_ok(remove_savepoint_leftovers(system_files(), root));
        fs::remove_all(root + "/scratch");
        BOOST_TEST(take(system_files().list(root)).size() == 1u);
      });
  BOOST_TEST(operations > 12);
}

BOOST_AUTO_TEST_CASE(a_deletion_leaves_a_whole_savepoint_or_none_and_can_be_done_again) {
  const Checkpoint checkpoint;
  for (const std::string form : {"folder", "single", "archive"}) {
    const std::string source = checkpoint / form;
    const SavepointRequest request = checkpoint.request(source, form == "single");
    take(form == "archive" ? build_archive(system_files(), request) : build_savepoint(system_files(), request));
    crash_everywhere(
        [&](Files& files, const std::string& root) {
          fs::copy(source, root + "/" + form, fs::copy_options::recursive);
          // What lay there before is durable.
          for (const auto& file : fs::recursive_directory_iterator(root)) {
            if (file.is_regular_file()) STREAM_TRY(files.sync_file(file.path()));
          }
          if (fs::is_directory(root + "/" + form)) STREAM_TRY(files.sync_dir(root + "/" + form));
          STREAM_TRY(files.sync_dir(root));
          return delete_any_savepoint(files, root + "/" + form, root + "/scratch").status();
        },
        [&](const std::string& root, bool done) {
          const std::string target = root + "/" + form;
          if (done) BOOST_TEST(!fs::exists(target));
          if (done || !fs::exists(target)) return;
          const auto read = contents_of(target, root + "/scratch");
          if (!read.ok()) return;  // it was still being copied here
          BOOST_TEST(read->size() == 200u);
          take(delete_any_savepoint(system_files(), target, root + "/scratch"));
          BOOST_TEST(!fs::exists(target));
        });
  }
}

BOOST_AUTO_TEST_CASE(what_a_killed_process_has_unpacked_is_removed_and_nothing_that_is_in_use) {
  const TempDir dir;
  const std::string root = dir / "scratch";
  const ScratchFolder mine = take(ScratchFolder::make(root));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto theirs = ScratchFolder::make(root);
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  BOOST_TEST(abandoned_scratch(root).size() == 1u);
  const ScratchFolder another = take(ScratchFolder::make(root));
  BOOST_TEST(abandoned_scratch(root).empty());
  BOOST_TEST(fs::exists(mine.path()));
  BOOST_TEST(fs::exists(another.path()));
}

BOOST_AUTO_TEST_CASE(somebody_who_makes_a_savepoint_is_not_cleaned_up_after) {
  const TempDir dir;
  fs::create_directory(dir / "sp");
  const Status published =
      publish_savepoint(system_files(), dir / "sp/1", [&](const std::string& partial) -> Result<std::string> {
        STREAM_TRY(system_files().write_file(partial, "x"));
        BOOST_TEST(take(savepoint_leftovers(system_files(), dir / "sp")).empty());
        require_ok(remove_savepoint_leftovers(system_files(), dir / "sp"));
        BOOST_TEST(fs::exists(partial));
        return partial;
      });
  require_ok(published);
  require_ok(system_files().write_file(dir / "sp/.2.savepoint-partial", "x"));
  BOOST_TEST(take(savepoint_leftovers(system_files(), dir / "sp")).size() == 1u);
  require_ok(remove_savepoint_leftovers(system_files(), dir / "sp"));
  BOOST_TEST(take(system_files().list(dir / "sp")) == std::vector<std::string>{"1"});
}

BOOST_AUTO_TEST_SUITE_END()
