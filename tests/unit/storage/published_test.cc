// The list of checkpoints under every mishap of every request, with one writer and with two.
#include "storage/published.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/support/memory_store.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(published)

namespace {

const std::string kKey = "jobs/a/published.json";
constexpr Mishap kMishaps[] = {Mishap::kLostRequest, Mishap::kLostAnswer, Mishap::kLate};

PublishedList list_in(const MemoryStore& store) {
  const auto found = store.objects.find(kKey);
  return found == store.objects.end() ? PublishedList() : *published_from_json(found->second.bytes);
}

bool has(const PublishedList& list, std::uint64_t epoch) {
  return std::ranges::find(list.checkpoints, epoch, &PublishedCheckpoint::epoch) != list.checkpoints.end();
}

PublishedCheckpoint checkpoint(std::uint64_t epoch) { return {epoch, epoch * 100, std::string(64, 'a')}; }

}  // namespace

BOOST_AUTO_TEST_CASE(json_and_back) {
  const PublishedList list{"w", 7, {checkpoint(3), checkpoint(5)}};
  BOOST_TEST((*published_from_json(to_json(list)) == list));
  BOOST_TEST((published_from_json("{").status().code() == Code::kCorrupt));
  BOOST_TEST((published_from_json("{\"format\":2}").status().code() == Code::kUsage));
}

BOOST_AUTO_TEST_CASE(it_adds_and_removes) {
  MemoryStore store;
  Published mine(store, kKey, "me");
  BOOST_TEST(mine.take_over().ok());
  BOOST_TEST(mine.add(checkpoint(2)).ok());
  BOOST_TEST(mine.add(checkpoint(1)).ok());
  BOOST_TEST(mine.add(checkpoint(2)).ok());
  BOOST_TEST(list_in(store).checkpoints.size() == 2);
  BOOST_TEST(list_in(store).checkpoints[0].epoch == 1);
  BOOST_TEST(mine.remove({1, 9}).ok());
  BOOST_TEST((list_in(store).checkpoints == std::vector{checkpoint(2)}));
}

// What was said to be done is there; what was said to be unknown is settled by the next call, and stays so whatever
// arrives late.
BOOST_AUTO_TEST_CASE(one_writer_and_every_mishap) {
  for (const Mishap mishap : kMishaps) {
    for (std::size_t number = 1; number < 30; ++number) {
      for (const std::size_t count : {1U, 2U, 5U}) {
        MemoryStore store;
        Published mine(store, kKey, "me");
        BOOST_TEST_REQUIRE(mine.take_over().ok());
        store.go_wrong(number, mishap, count);
        for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) {
          const Status added = mine.add(checkpoint(epoch));
          BOOST_TEST_REQUIRE((added.ok() || added.code() == Code::kSystem));
          if (added.ok()) BOOST_TEST_REQUIRE(has(list_in(store), epoch));
          Status settled = mine.settle();
          for (int tries = 0; tries < 8 && !settled.ok(); ++tries) settled = mine.settle();
          BOOST_TEST_REQUIRE(settled.ok());
          const bool there = mine.has(epoch);
          if (added.ok()) BOOST_TEST_REQUIRE(there);
          store.arrive();
          BOOST_TEST_REQUIRE(has(list_in(store), epoch) == there);
          BOOST_TEST_REQUIRE(mine.settle().ok());
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(trying_again_is_no_harm) {
  for (const Mishap mishap : kMishaps) {
    for (std::size_t number = 1; number < 12; ++number) {
      MemoryStore store;
      Published mine(store, kKey, "me");
      BOOST_TEST_REQUIRE(mine.take_over().ok());
      store.go_wrong(number, mishap);
      for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        Status added = mine.add(checkpoint(epoch));
        for (int tries = 0; tries < 4 && !added.ok(); ++tries) added = mine.add(checkpoint(epoch));
        BOOST_TEST_REQUIRE(added.ok());
        store.arrive();
      }
      BOOST_TEST_REQUIRE(list_in(store).checkpoints.size() == 3);
    }
  }
}

// The second takes over between any two requests of the first: from then on nothing of the first counts, and it is
// told.
BOOST_AUTO_TEST_CASE(of_two_writers_the_last_that_took_over_publishes) {
  for (const Mishap mishap : {Mishap::kNone, Mishap::kLostRequest, Mishap::kLostAnswer, Mishap::kLate}) {
    for (std::size_t number = 1; number < 14; ++number) {
      for (std::uint64_t when = 0; when <= 4; ++when) {
        MemoryStore store;
        Published first(store, kKey, "first");
        Published second(store, kKey, "second");
        BOOST_TEST_REQUIRE(first.take_over().ok());
        store.go_wrong(number, mishap);
        for (std::uint64_t epoch = 1; epoch <= when; ++epoch) (void)first.add(checkpoint(epoch));
        Status taken = second.take_over();
        for (int tries = 0; tries < 4 && !taken.ok(); ++tries) taken = second.take_over();
        BOOST_TEST_REQUIRE(taken.ok());
        const PublishedList before = list_in(store);
        BOOST_TEST_REQUIRE(before.writer == "second");
        store.arrive();
        BOOST_TEST_REQUIRE((list_in(store) == before));
        Status late = first.add(checkpoint(100));
        if (late.code() == Code::kSystem) late = first.add(checkpoint(100));
        BOOST_TEST_REQUIRE((late.code() == Code::kInterrupted));
        store.arrive();
        Status added = second.add(checkpoint(50));
        for (int tries = 0; tries < 2 && !added.ok(); ++tries) added = second.add(checkpoint(50));
        BOOST_TEST_REQUIRE(added.ok());
        BOOST_TEST_REQUIRE(has(list_in(store), 50));
        BOOST_TEST_REQUIRE(!has(list_in(store), 100));
        store.go_wrong(0, Mishap::kNone);
        BOOST_TEST_REQUIRE((first.settle().code() == Code::kInterrupted));
        BOOST_TEST_REQUIRE((first.remove({50}).code() == Code::kInterrupted));
        BOOST_TEST_REQUIRE(has(list_in(store), 50));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
