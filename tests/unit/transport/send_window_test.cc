#include "transport/send_window.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

// Sends frames as fast as the window allows to a receiver of the given speed; returns the longest
// time a frame was in flight in the second half of the run.
Microseconds longest_flight(SendWindow& window, double bytes_per_us, std::uint64_t frame_bytes) {
  struct Frame {
    Microseconds sent;
    Microseconds done;
    std::uint64_t behind;
  };
  std::deque<Frame> flight;
  Microseconds now = 0;
  Microseconds receiver_free = 0;
  Microseconds longest = 0;
  std::uint64_t sent = 0;
  for (int i = 0; i < 4000; ++i) {
    while (!window.may_send()) {
      now = flight.front().done;
      if (i > 2000) longest = std::max(longest, now - flight.front().sent);
      BOOST_TEST_REQUIRE(window.credited(flight.front().behind, now));
      flight.pop_front();
    }
    const std::uint64_t size = std::max<std::uint64_t>(1, std::min(frame_bytes, window.frame_bytes_max()));
    window.sent(size, now);
    sent += size;
    const auto work = static_cast<Microseconds>(static_cast<double>(size + SendWindow::kFrameOverhead) / bytes_per_us);
    receiver_free = std::max(receiver_free, now) + work;
    flight.push_back({now, receiver_free, sent});
  }
  return longest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(send_window)

BOOST_AUTO_TEST_CASE(a_slow_receiver_holds_about_the_target_in_flight) {
  for (const double speed : {0.1, 1.0, 10.0}) {  // 100 KB/s to 10 MB/s
    SendWindow window(8 << 20);
    const Microseconds flight = longest_flight(window, speed, 256 * 1024);
    BOOST_TEST(flight <= SendWindow::kTarget * 3 / 2, "speed " << speed << ": " << flight);
  }
}

BOOST_AUTO_TEST_CASE(a_fast_receiver_gets_the_whole_budget) {
  SendWindow window(4 << 20);
  longest_flight(window, 4000, 256 * 1024);
  BOOST_TEST(window.window_bytes() == 4u << 20);
}

BOOST_AUTO_TEST_CASE(one_frame_may_always_be_in_flight) {
  SendWindow window(0);
  BOOST_TEST(window.may_send());
  window.sent(1 << 20, 0);
  BOOST_TEST(!window.may_send());
  BOOST_TEST(window.credited(1 << 20, 10));
  BOOST_TEST(window.may_send());
}

BOOST_AUTO_TEST_CASE(impossible_credits_are_refused) {
  SendWindow window(1 << 20);
  window.sent(100, 0);
  BOOST_TEST(!window.credited(101, 1));
  BOOST_TEST(window.credited(100, 1));
  BOOST_TEST(!window.credited(99, 2));
}

BOOST_AUTO_TEST_SUITE_END()
