#include "supervisor/input_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/fast_files.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// A disk that can be made to fail.
class FullFiles final : public Files {
 public:
  std::atomic<int> failures = 0;  // of syncs to come
  std::atomic<int> syncs = 0;

  Status write_file(const std::string& path, std::string_view bytes) override { return under_.write_file(path, bytes); }
  Result<std::string> read_file(const std::string& path) override { return under_.read_file(path); }
  Status sync_file(const std::string& path) override {
    ++syncs;
    if (failures.load() > 0 && failures.fetch_sub(1) > 0) return system_error("sync", path, ENOSPC);
    return {};
  }
  Status sync_dir(const std::string&) override { return {}; }
  Status rename(const std::string& from, const std::string& to) override { return under_.rename(from, to); }
  Status remove(const std::string& path) override { return under_.remove(path); }
  Status make_dir(const std::string& path) override { return under_.make_dir(path); }
  Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) override {
    return under_.write_at(path, offset, bytes);
  }
  Status truncate(const std::string& path, std::uint64_t size) override { return under_.truncate(path, size); }
  Result<std::vector<std::string>> list(const std::string& path) override { return under_.list(path); }

 private:
  Files& under_ = system_files();
};

struct Rig {
  Rig() { BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Rig() {
    pump.reset();
    ::close(ends[0]);
    close_writer();
  }
  void start() {
    auto started = InputPump::start(SampledInput(ends[0], system_clock()), files, folder, system_clock());
    BOOST_REQUIRE_MESSAGE(started.ok(), started.status().what());
    pump = *std::move(started);
  }
  void close_writer() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  // False if the pipe takes no more within the time.
  bool write(const std::string& text, int patience_ms = 20'000) {
    for (std::size_t done = 0; done < text.size();) {
      pollfd room{ends[1], POLLOUT, 0};
      if (::poll(&room, 1, patience_ms) == 0) return false;
      const ssize_t n = ::write(ends[1], text.data() + done, text.size() - done);
      if (n > 0) done += static_cast<std::size_t>(n);
    }
    return true;
  }
  SpoolLength length() {
    const auto spool = list_spool(files, folder);
    BOOST_REQUIRE(spool.ok() && !spool->empty());
    const auto read = read_spool_length(files, folder, spool->back().input);
    return read.ok() ? *read : SpoolLength();
  }
  // Polls what the pump's threads bring about.
  bool wait_for(const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000; ++i) {
      if (condition()) return true;
      ::poll(nullptr, 0, 1);
    }
    return false;
  }
  std::string spooled() {
    std::string all;
    const auto spool = list_spool(files, folder);
    for (const std::uint64_t begin : spool->back().segments) {
      all += *files.read_file(folder + "/" + spool_segment_name({spool->back().input, begin}));
    }
    return all;
  }

  TempDir dir;
  FullFiles files;
  std::string folder = dir / "spool";
  int ends[2];
  std::unique_ptr<InputPump> pump;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(input_pump)

BOOST_AUTO_TEST_CASE(it_reads_while_there_is_room_in_memory_and_on_disk) {
  BOOST_TEST(pump_reads({}));
  BOOST_TEST(!pump_reads({.ended = true}));
  BOOST_TEST(!pump_reads({.paused = true}));
  BOOST_TEST(!pump_reads({.gathered = kPumpBufferMax}));
  BOOST_TEST(pump_reads({.gathered = kPumpBufferMax - 1, .ahead = kPumpAheadMax - 1}));
  BOOST_TEST(!pump_reads({.ahead = kPumpAheadMax}));
}

BOOST_AUTO_TEST_CASE(a_trickle_is_synced_together_and_a_flood_at_once) {
  BOOST_TEST(pump_delay(1, kPumpSyncEvery) == 0);
  BOOST_TEST(pump_delay(1, kPumpSyncEvery - 1) == 1);
  BOOST_TEST(pump_delay(kPumpBufferMax / 4, 0) == 0);
}

BOOST_AUTO_TEST_CASE(what_was_sampled_comes_first_and_everything_is_spooled_to_the_end) {
  Rig rig;
  BOOST_REQUIRE(rig.write("one\n"));
  SampledInput input(rig.ends[0], system_clock());
  BOOST_REQUIRE(input.gather(1000).ok());
  auto started = InputPump::start(std::move(input), rig.files, rig.folder, system_clock());
  BOOST_REQUIRE(started.ok());
  rig.pump = *std::move(started);
  BOOST_TEST(rig.wait_for([&] { return rig.length().bytes == 4; }));
  BOOST_REQUIRE(rig.write("two\nthree"));
  BOOST_TEST(rig.wait_for([&] { return rig.length().bytes == 13; }));
  rig.close_writer();
  BOOST_TEST(rig.wait_for([&] { return rig.length().state == SpoolState::kEnded; }));
  BOOST_TEST(rig.spooled() == "one\ntwo\nthree");
  BOOST_TEST(rig.pump->take_news().empty());
}

BOOST_AUTO_TEST_CASE(a_pump_that_is_stopped_spools_what_it_has_read) {
  Rig rig;
  rig.start();
  std::string all;
  for (int i = 0; i < 2'000; ++i) all += "line " + std::to_string(i) + "\n";
  BOOST_REQUIRE(rig.write(all));
  const bool taken = rig.wait_for([&] {
    pollfd left{rig.ends[0], POLLIN, 0};
    return ::poll(&left, 1, 0) == 0;
  });
  BOOST_TEST(taken);
  BOOST_TEST(rig.pump->stop().ok());
  BOOST_TEST(rig.spooled() == all);
  BOOST_TEST((rig.length() == SpoolLength{all.size(), SpoolState::kOpen}));
}

BOOST_AUTO_TEST_CASE(a_paused_pump_lets_the_writer_wait) {
  Rig rig;
  rig.start();
  BOOST_REQUIRE(rig.write("before\n"));
  BOOST_TEST(rig.wait_for([&] { return rig.length().bytes == 7; }));
  rig.pump->pause();
  BOOST_TEST(!rig.write(std::string(1 << 20, 'x'), 50));
  BOOST_TEST(rig.pump->stop().ok());
  // It may have been about to read when it was paused: one reading, at most.
  BOOST_TEST(rig.spooled().size() <= 7u + (256u << 10));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_tried_again_and_loses_nothing) {
  Rig rig;
  rig.start();
  BOOST_REQUIRE(rig.write("one\n"));
  BOOST_TEST(rig.wait_for([&] { return rig.length().bytes == 4; }));
  rig.files.failures = 1;
  BOOST_REQUIRE(rig.write("two\n"));
  std::vector<InputPump::News> news;
  BOOST_TEST(rig.wait_for([&] {
    for (auto& each : rig.pump->take_news()) news.push_back(each);
    return rig.length().bytes == 8;
  }));
  rig.close_writer();
  BOOST_TEST(rig.wait_for([&] { return rig.length().state == SpoolState::kEnded; }));
  BOOST_TEST(rig.spooled() == "one\ntwo\n");
  for (auto& each : rig.pump->take_news()) news.push_back(each);
  BOOST_TEST_REQUIRE(news.size() == 2u);
  BOOST_TEST(news[0].text.starts_with("standard input waits: unable to sync"));
  BOOST_TEST(!news[0].fatal);
  BOOST_TEST(news[1].text == "standard input is spooled again");
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_gone_ends_the_job) {
  Rig rig;
  rig.start();
  std::filesystem::remove_all(rig.folder);
  BOOST_REQUIRE(rig.write("one\n"));
  std::vector<InputPump::News> news;
  BOOST_TEST(rig.wait_for([&] { return !(news = rig.pump->take_news()).empty(); }));
  BOOST_TEST(news.front().fatal);
}

BOOST_AUTO_TEST_SUITE_END()
