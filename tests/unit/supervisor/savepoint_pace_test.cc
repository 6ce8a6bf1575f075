#include <boost/test/unit_test.hpp>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "supervisor/paced_work.h"

using namespace stream;

namespace {

constexpr Microseconds kStep = 100'000;

// So many steps, each of which has a core for this share of its time.
void work(SavepointPace& pace, int steps, Microseconds one_of) {
  for (int step = 0; step < steps; ++step) pace.worked(kStep, kStep / one_of);
}

// Where a step finds itself.
struct Place {
  std::thread::id thread;
  int policy = -1;
  int nice = 0;
  int disk_class = -1;
};

Place place_of(PacedWork& paced) {
  Place place;
  const Status done = paced.run([&] {
    place.thread = std::this_thread::get_id();
    place.policy = ::sched_getscheduler(0);
    place.nice = ::getpriority(PRIO_PROCESS, 0);
    place.disk_class = static_cast<int>(::syscall(SYS_ioprio_get, 1, 0)) >> 13;
    return Status();
  });
  BOOST_REQUIRE(done.ok());
  return place;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(savepoint_pace)

BOOST_AUTO_TEST_CASE(what_gets_on_stays_idle) {
  SavepointPace pace;
  work(pace, 1000, 1);
  work(pace, 1000, 19);
  BOOST_TEST((pace.priority() == ThreadPriority::kIdle));
}

BOOST_AUTO_TEST_CASE(what_starves_for_ten_seconds_is_idle_no_more_and_never_again) {
  SavepointPace pace;
  work(pace, 99, 100);
  BOOST_TEST((pace.priority() == ThreadPriority::kIdle));
  work(pace, 1, 100);
  BOOST_TEST((pace.priority() == ThreadPriority::kLow));
  work(pace, 1000, 1);
  BOOST_TEST((pace.priority() == ThreadPriority::kLow));
}

BOOST_AUTO_TEST_CASE(one_step_that_starves_is_enough) {
  SavepointPace pace;
  pace.worked(SavepointPace::kPatience, 0);
  BOOST_TEST((pace.priority() == ThreadPriority::kLow));
}

BOOST_AUTO_TEST_CASE(a_good_time_before_does_not_count) {
  SavepointPace pace;
  work(pace, 1000, 1);
  work(pace, 100, 100);
  BOOST_TEST((pace.priority() == ThreadPriority::kLow));
}

BOOST_AUTO_TEST_CASE(steps_run_on_a_thread_that_gives_way_until_there_is_hurry) {
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  PacedWork paced;
  const Place idle = place_of(paced);
  BOOST_TEST((idle.thread != std::this_thread::get_id()));
  BOOST_TEST((place_of(paced).thread == idle.thread));
  if (paced.refused().empty()) {
    BOOST_TEST(idle.policy == SCHED_IDLE);
    BOOST_TEST(idle.disk_class == 3);
  }
  paced.hurry();
  const Place here = place_of(paced);
  BOOST_TEST((here.thread == std::this_thread::get_id()));
  BOOST_TEST(here.policy == SCHED_OTHER);
  BOOST_TEST(here.nice == nice);
}

BOOST_AUTO_TEST_CASE(what_a_step_returns_is_returned) {
  PacedWork paced;
  BOOST_TEST(paced.run([] { return failed("of the step"); }).what() == "of the step");
  BOOST_TEST(paced.run([] { return Status(); }).ok());
  paced.hurry();
  BOOST_TEST(paced.run([] { return failed("of the step"); }).what() == "of the step");
}

BOOST_AUTO_TEST_CASE(a_thread_of_low_priority_is_nice) {
  std::thread([] {
    const Status granted = give_way(ThreadPriority::kLow);
    BOOST_TEST(granted.ok());
    BOOST_TEST(::getpriority(PRIO_PROCESS, 0) >= 10);
    BOOST_TEST(static_cast<int>(::syscall(SYS_ioprio_get, 1, 0)) == (2 << 13 | 7));
  }).join();
  BOOST_TEST(::getpriority(PRIO_PROCESS, 0) < 19);
}

BOOST_AUTO_TEST_SUITE_END()
