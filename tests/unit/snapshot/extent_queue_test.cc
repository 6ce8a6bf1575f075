#include "snapshot/extent_queue.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

namespace stream {
namespace {

using Place = ExtentQueue::Place;

ExtentQueue of(std::uint32_t count) {
  ExtentQueue queue;
  queue.grow(count);
  for (std::uint32_t i = 0; i < count; ++i) queue.enter(i);
  return queue;
}

// As the arena does it: never more than `most` in memory.
void use(ExtentQueue& queue, std::uint32_t extent, std::size_t most, std::size_t& came) {
  if (queue.place(extent) == Place::kActive) return;
  if (queue.place(extent) == Place::kAway) {
    ++came;
    while (queue.in_memory() + 1 > most) BOOST_REQUIRE(queue.leave().has_value());
  }
  queue.admit(extent);
  while (queue.rest()) {}
}

std::uint32_t one(const std::optional<ExtentQueue::Run>& run) {
  BOOST_REQUIRE(run.has_value());
  BOOST_TEST(run->count == 1u);
  return run->first;
}

BOOST_AUTO_TEST_CASE(what_enters_is_away_until_it_is_admitted) {
  ExtentQueue queue = of(3);
  BOOST_TEST(queue.away() == 3u);
  BOOST_TEST(queue.in_memory() == 0u);
  queue.admit(1);
  BOOST_TEST((queue.place(1) == Place::kActive));
  BOOST_TEST(queue.away() == 2u);
  BOOST_TEST(queue.in_memory() == 1u);
  BOOST_TEST(!ExtentQueue().leave().has_value());
}

BOOST_AUTO_TEST_CASE(the_oldest_leaves_first) {
  ExtentQueue queue = of(6);
  for (const std::uint32_t i : {4U, 0U, 2U}) queue.admit(i);
  BOOST_TEST(one(queue.leave()) == 4u);
  BOOST_TEST(one(queue.leave()) == 0u);
  BOOST_TEST((queue.place(4) == Place::kAway));
  BOOST_TEST(one(queue.leave()) == 2u);
  BOOST_TEST(!queue.leave().has_value());
}

BOOST_AUTO_TEST_CASE(a_quarter_rests_and_what_is_touched_there_stays) {
  ExtentQueue queue = of(200);
  for (std::uint32_t i = 0; i < 200; i += 2) queue.admit(i);
  for (std::uint32_t i = 0; i < 50; i += 2) BOOST_TEST(one(queue.rest()) == i);
  BOOST_TEST(!queue.rest().has_value());
  queue.admit(0);
  BOOST_TEST((queue.place(0) == Place::kActive));
  BOOST_TEST(one(queue.rest()) == 50u);
  const auto rested = queue.leave();
  BOOST_TEST(one(rested) == 2u);
  BOOST_TEST(rested->rested);
  for (std::uint32_t i = 4; i < 52; i += 2) BOOST_TEST(one(queue.leave()) == i);
  const auto active = queue.leave();  // nobody rests: the oldest active one
  BOOST_TEST(one(active) == 52u);
  BOOST_TEST(!active->rested);
  BOOST_TEST(queue.away() == 100u + 26u);
}

BOOST_AUTO_TEST_CASE(those_that_have_just_come_do_not_rest) {
  ExtentQueue queue = of(ExtentQueue::kActiveLeast + 1);
  for (std::uint32_t i = 0; i < ExtentQueue::kActiveLeast; ++i) {
    queue.admit(i);
    BOOST_REQUIRE(!queue.rest().has_value());
  }
  queue.admit(ExtentQueue::kActiveLeast);
  BOOST_TEST(queue.rest()->count == ExtentQueue::kRunMax);
  BOOST_TEST(!queue.rest().has_value());
}

BOOST_AUTO_TEST_CASE(what_came_in_one_after_the_other_leaves_together) {
  ExtentQueue queue = of(40);
  for (std::uint32_t i = 0; i < 20; ++i) queue.admit(i);
  queue.admit(30);
  const auto first = queue.leave();
  BOOST_TEST(first->first == 0u);
  BOOST_TEST(first->count == ExtentQueue::kRunMax);
  BOOST_TEST(queue.leave()->count == 4u);
  BOOST_TEST(one(queue.leave()) == 30u);
}

BOOST_AUTO_TEST_CASE(more_and_more_come_ahead_of_who_reads_in_order) {
  ExtentQueue queue = of(64);
  std::uint32_t at = 3;
  for (const std::uint32_t wanted : {1U, 2U, 4U, 8U, 16U, 16U}) {
    const std::uint32_t count = queue.ahead(at);
    BOOST_TEST(count == wanted);
    for (std::uint32_t i = 0; i < count; ++i) queue.admit(at + i);
    at += count;
  }
  BOOST_TEST(queue.ahead(at + 3) == 1u);  // not in order
  queue.admit(at + 3);
  BOOST_TEST(queue.ahead(at + 4) == 2u);
  BOOST_TEST(queue.ahead(62) == 1u);
  BOOST_TEST(queue.ahead(63) == 1u);  // nothing is behind it
  queue.forget(1);
  BOOST_TEST(queue.ahead(0) == 1u);  // what is not away does not come
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_can_enter_again) {
  ExtentQueue queue = of(8);
  for (std::uint32_t i = 0; i < 6; i += 2) queue.admit(i);
  for (const std::uint32_t i : {2U, 6U, 2U}) queue.forget(i);
  BOOST_TEST(queue.in_memory() == 2u);
  BOOST_TEST(queue.away() == 4u);
  queue.enter(2);
  queue.admit(2);
  BOOST_TEST(one(queue.leave()) == 0u);
  BOOST_TEST(one(queue.leave()) == 4u);
  BOOST_TEST(one(queue.leave()) == 2u);
}

// A tenth gets nine tenths of the accesses, and a quarter fits: what is hot does not come again and again.
BOOST_AUTO_TEST_CASE(what_is_used_often_stays) {
  constexpr std::uint32_t kCount = 1000;
  ExtentQueue queue = of(kCount);
  std::mt19937 random(7);
  std::size_t hot = 0;
  std::size_t cold = 0;
  for (int i = 0; i < 50'000; ++i) {
    const bool is_hot = random() % 10 != 0;
    const std::uint32_t extent = is_hot ? random() % (kCount / 10) : kCount / 10 + random() % (kCount * 9 / 10);
    use(queue, extent, kCount / 4, is_hot ? hot : cold);
    BOOST_REQUIRE(queue.in_memory() <= kCount / 4);
    BOOST_REQUIRE(queue.in_memory() + queue.away() == kCount);
  }
  BOOST_TEST(hot < 500u);  // of 45,000
  BOOST_TEST(cold > 3000u);
}

}  // namespace
}  // namespace stream
