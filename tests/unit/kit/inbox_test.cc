#include "stages/kit/inbox.h"

#include <poll.h>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <random>

#include "tests/support/failing_files.h"
#include "tests/support/temp_dir.h"

namespace stream {
namespace {

struct Rig {
  explicit Rig(Files& files, std::string folder, SpoolPosition from = {})
      : inbox(files, std::move(folder), system_clock(), [this](std::string text) { said.push_back(std::move(text)); }) {
    BOOST_REQUIRE(inbox.start(from).ok());
  }

  void settle() {
    while (inbox.durable() < put) {
      pollfd wake{inbox.wake_fd(), POLLIN, 0};
      BOOST_REQUIRE(inbox.serve().ok());
      if (inbox.durable() < put) BOOST_REQUIRE(::poll(&wake, 1, 5'000) > 0);
    }
  }
  void add(std::string_view record) { put = inbox.put(record); }
  std::vector<std::string> take(std::size_t bytes_max = SIZE_MAX) {
    std::vector<std::string> out;
    const auto more = inbox.read(bytes_max, [&](std::string_view record) {
      out.emplace_back(record);
      return Status();
    });
    BOOST_REQUIRE_MESSAGE(more.ok(), more.status().what());
    BOOST_TEST(*more == !out.empty());
    return out;
  }

  std::vector<std::string> said;
  std::uint64_t put = 0;
  Inbox inbox;
};

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(inbox)

BOOST_AUTO_TEST_CASE(records_come_out_once_they_are_durable) {
  TempDir folder;
  Rig rig(system_files(), folder.path() + "/in");
  rig.add("a");
  rig.add("");
  rig.add("bc");
  BOOST_TEST(rig.inbox.durable() == 0U);
  BOOST_TEST(rig.take() == Texts(), boost::test_tools::per_element());
  rig.settle();
  BOOST_TEST(rig.take(1) == Texts{"a"}, boost::test_tools::per_element());
  BOOST_TEST(rig.take() == (Texts{"", "bc"}), boost::test_tools::per_element());
  BOOST_TEST(rig.take() == Texts(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_a_folder_they_are_kept_in_memory) {
  Rig rig(system_files(), "");
  rig.add("a");
  BOOST_TEST(rig.inbox.durable() == 1U);
  BOOST_TEST(rig.inbox.full());
  BOOST_TEST(rig.take() == Texts{"a"}, boost::test_tools::per_element());
  BOOST_TEST(!rig.inbox.full());
}

// Whoever is killed after any step, and goes on from the position of any checkpoint, reads what was durable, once.
BOOST_AUTO_TEST_CASE(reading_goes_on_where_a_checkpoint_stood) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    TempDir folder;
    const std::string path = folder.path() + "/in";
    std::size_t next = 0;
    Texts durable;  // everything ever acknowledged
    Texts before;   // read before the checkpoint
    SpoolPosition checkpoint;
    for (int process = 0; process < 6; ++process) {
      Rig rig(system_files(), path, checkpoint);
      Texts read = before;
      for (int step = 0; step < 20; ++step) {
        switch (random() % 3) {
          case 0: {
            for (std::size_t count = random() % 5; count > 0; --count) {
              const std::string record(random() % 3 == 0 ? 300'000 : 5, static_cast<char>('a' + next++ % 26));
              rig.add(record);
              durable.push_back(record);
            }
            rig.settle();
            break;
          }
          case 1: {
            for (std::string& record : rig.take(random() % 500'000)) read.push_back(std::move(record));
            break;
          }
          default: {
            checkpoint = rig.inbox.position();
            before = read;
            if (random() % 2 == 0) BOOST_REQUIRE(forget_spool(system_files(), path, checkpoint).ok());
          }
        }
      }
      for (Texts more = rig.take(); !more.empty(); more = rig.take()) read.insert(read.end(), more.begin(), more.end());
      BOOST_REQUIRE_EQUAL(read.size(), durable.size());
      BOOST_REQUIRE(read == durable);
    }
  }
}

// Its writer was killed over it, or the disk was full: nobody was told that it came.
BOOST_AUTO_TEST_CASE(a_record_that_was_not_written_whole_has_not_come) {
  for (const std::size_t part : {1U, 4U, 6U}) {
    TempDir folder;
    const std::string path = folder.path() + "/in";
    {
      Rig rig(system_files(), path);
      rig.add("first");
      rig.settle();
    }
    const auto spooled = list_spool(system_files(), path);
    BOOST_REQUIRE(spooled.ok());
    const std::string segment = path + "/" + spool_segment_name({spooled->front().input, 0});
    const std::string frame("\x06\0\0\0second", 10);
    BOOST_REQUIRE(system_files().write_at(segment, 9, frame.substr(0, part)).ok());
    Rig rig(system_files(), path);
    rig.add("third");
    rig.settle();
    Texts all;
    for (Texts some = rig.take(); !some.empty(); some = rig.take()) all.insert(all.end(), some.begin(), some.end());
    BOOST_TEST(all == (Texts{"first", "third"}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(what_has_gone_is_an_error_and_not_skipped) {
  TempDir folder;
  const std::string path = folder.path() + "/in";
  SpoolPosition behind;
  {
    Rig rig(system_files(), path);
    rig.add("a");
    rig.settle();
    rig.take();
    behind = rig.inbox.position();
  }
  BOOST_REQUIRE(system_files().remove(path + "/" + spool_segment_name({behind.input, 0})).ok());
  Rig rig(system_files(), path, behind);
  const auto more = rig.inbox.read(1, [](std::string_view) { return Status(); });
  BOOST_TEST((more.status().code() == Code::kCorrupt));
}

// A disk that fails for a moment costs a second and nothing else.
BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_tried_again) {
  for (int nth = 1;; ++nth) {
    TempDir folder;
    FailingFiles files(nth, FailingFiles::Effect::kAll);
    ManualClock clock;
    std::vector<std::string> said;
    Inbox inbox(files, folder.path() + "/in", clock, [&](std::string text) { said.push_back(std::move(text)); });
    if (!inbox.start({}).ok()) continue;
    inbox.put("a");
    for (int tries = 0; tries < 100 && inbox.durable() == 0; ++tries) {
      pollfd wake{inbox.wake_fd(), POLLIN, 0};
      BOOST_REQUIRE(inbox.serve().ok());
      ::poll(&wake, 1, inbox.retry_at() ? 0 : 1'000);
      if (inbox.retry_at()) clock.advance(Inbox::kRetryAfter);
    }
    BOOST_TEST(inbox.durable() == 1U);
    BOOST_TEST(said.size() % 2 == 0U);
    if (!files.met()) break;
    BOOST_REQUIRE(nth < 100);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream
