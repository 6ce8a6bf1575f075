#include "snapshot/memory_budget.h"

#include <boost/test/unit_test.hpp>

namespace stream {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::uint64_t limit(std::uint64_t memory, std::uint64_t at_start, std::uint64_t resident, std::uint64_t state) {
  return MemoryBudget(memory * kMiB, at_start * kMiB).state_limit(resident * kMiB, state * kMiB).value_or(0) / kMiB;
}

BOOST_AUTO_TEST_CASE(state_gets_what_the_rest_leaves_less_some_room) {
  BOOST_TEST(limit(64, 12, 12, 0) == 44u);      // an eighth is room
  BOOST_TEST(limit(64, 12, 40, 20) == 36u);     // the rest has 20
  BOOST_TEST(limit(32, 10, 10, 0) == 18u);      // at least 4 MiB are room
  BOOST_TEST(limit(8192, 12, 12, 0) == 8116u);  // at most 64 MiB
}

BOOST_AUTO_TEST_CASE(the_rest_never_needs_less_than_at_start) {
  BOOST_TEST(limit(64, 12, 30, 40) == 44u);  // pieces in memory of which not all was touched
}

BOOST_AUTO_TEST_CASE(the_least_comes_out_of_the_room_and_then_nothing_is_left) {
  BOOST_TEST(limit(64, 12, 56, 0) == 4u);
  BOOST_TEST(limit(64, 12, 60, 0) == 4u);
  BOOST_TEST(!MemoryBudget(64 * kMiB, 12 * kMiB).state_limit(61 * kMiB, 0).has_value());
  BOOST_TEST(!MemoryBudget(64 * kMiB, 12 * kMiB).state_limit(80 * kMiB, 10 * kMiB).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_said_to_be_needed_is_enough) {
  const MemoryBudget budget(64 * kMiB, 12 * kMiB);
  const std::uint64_t needed = budget.needed(80 * kMiB, 10 * kMiB);
  BOOST_TEST(needed > 64 * kMiB);
  BOOST_TEST(needed % kMiB == 0u);
  BOOST_TEST(MemoryBudget(needed, 12 * kMiB).state_limit(80 * kMiB, 10 * kMiB).has_value());
}

BOOST_AUTO_TEST_CASE(what_the_rest_takes_for_a_moment_is_left_to_it) {
  MemoryBudget budget(64 * kMiB, 12 * kMiB);
  const auto limit = [&] { return *budget.state_limit(20 * kMiB, 8 * kMiB) / kMiB; };
  budget.observe(30 * kMiB, 0);  // before there was anything
  BOOST_TEST(limit() == 44u);
  budget.observe(30 * kMiB, 8 * kMiB);  // nothing new
  BOOST_TEST(limit() == 44u);
  budget.observe(40 * kMiB, 8 * kMiB);  // the rest had 32, and half the room on top
  BOOST_TEST(limit() == 28u);
  budget.observe(44 * kMiB, 30 * kMiB);
  BOOST_TEST(limit() == 28u);
  budget.observe(64 * kMiB, 0);
  BOOST_TEST(limit() == 4u);  // it passes: that alone is no failure
}

BOOST_AUTO_TEST_CASE(without_a_bound_everything_fits) {
  BOOST_TEST(MemoryBudget().state_limit(1 << 30, 1 << 20).value_or(0) > std::uint64_t{1} << 40);
}

}  // namespace
}  // namespace stream
