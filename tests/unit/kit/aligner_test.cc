#include "stages/kit/aligner.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace stream;
using Step = BarrierAligner::Step;

BOOST_AUTO_TEST_SUITE(aligner)

BOOST_AUTO_TEST_CASE(the_last_channel_completes_whatever_the_order) {
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    BarrierAligner aligner(4, AlignmentMode::kExactlyOnce);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const bool last = i + 1 == order.size();
      BOOST_TEST((*aligner.on_barrier(order[i], Epoch(7)) == (last ? Step::kComplete : Step::kWait)));
      for (std::size_t j = 0; j < order.size(); ++j) BOOST_TEST(aligner.held(order[j]) == (!last && j <= i));
    }
  } while (std::ranges::next_permutation(order).found);
}

BOOST_AUTO_TEST_CASE(at_least_once_holds_nothing) {
  BarrierAligner aligner(2, AlignmentMode::kAtLeastOnce);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(1)) == Step::kWait));
  BOOST_TEST(!aligner.held(0));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(1)) == Step::kComplete));
}

BOOST_AUTO_TEST_CASE(a_newer_barrier_cancels_the_one_being_aligned) {
  BarrierAligner aligner(2, AlignmentMode::kExactlyOnce);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(1)) == Step::kWait));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(2)) == Step::kWait));
  BOOST_TEST(!aligner.held(0));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(1)) == Step::kLate));
  BOOST_TEST((*aligner.on_barrier(0, Epoch(2)) == Step::kComplete));
}

BOOST_AUTO_TEST_CASE(a_barrier_of_a_finished_checkpoint_is_late) {
  BarrierAligner aligner(1, AlignmentMode::kExactlyOnce);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(5)) == Step::kComplete));
  BOOST_TEST((*aligner.on_barrier(0, Epoch(5)) == Step::kLate));
  BOOST_TEST((*aligner.on_barrier(0, Epoch(4)) == Step::kLate));
  BOOST_TEST((*aligner.on_barrier(0, Epoch(6)) == Step::kComplete));
}

BOOST_AUTO_TEST_CASE(the_same_barrier_twice_from_one_channel_is_refused) {
  BarrierAligner aligner(2, AlignmentMode::kExactlyOnce);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(1)) == Step::kWait));
  BOOST_TEST((aligner.on_barrier(0, Epoch(1)).status().code() == Code::kCorrupt));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(1)) == Step::kComplete));
}

BOOST_AUTO_TEST_CASE(other_channels_take_over_between_two_checkpoints) {
  BarrierAligner aligner(2, AlignmentMode::kExactlyOnce);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(1)) == Step::kWait));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(1)) == Step::kComplete));
  aligner.replace(3);
  BOOST_TEST((*aligner.on_barrier(0, Epoch(1)) == Step::kLate));
  BOOST_TEST((*aligner.on_barrier(0, Epoch(2)) == Step::kWait));
  BOOST_TEST((*aligner.on_barrier(2, Epoch(2)) == Step::kWait));
  BOOST_TEST((*aligner.on_barrier(1, Epoch(2)) == Step::kComplete));
}

BOOST_AUTO_TEST_SUITE_END()
