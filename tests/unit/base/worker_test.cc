#include <boost/test/unit_test.hpp>

#include <poll.h>

#include "transport/base/worker.h"

using namespace stream;

namespace {

bool readable(const Worker& worker, int milliseconds) {
  pollfd wake{worker.wake_fd(), POLLIN, 0};
  return ::poll(&wake, 1, milliseconds) == 1;
}

void deliver_all(Worker& worker) {
  while (worker.pending() > 0) {
    BOOST_REQUIRE(readable(worker, 10'000));
    BOOST_REQUIRE(worker.deliver().ok());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker)

BOOST_AUTO_TEST_CASE(nothing_to_deliver_is_nothing_to_wake_for) {
  Worker worker;
  int done = 0;
  for (int round = 0; round < 200; ++round) {
    worker.submit([] { return Status(); },
                  [&](const Status&) {
                    worker.submit([] { return Status(); },
                                  [&](const Status&) {
                                    ++done;
                                    return Status();
                                  });
                    while (!readable(worker, 10'000)) continue;  // so that it is finished before this callback is
                    return Status();
                  });
    deliver_all(worker);
    BOOST_REQUIRE(!readable(worker, 0));
  }
  BOOST_TEST(done == 200);
}

BOOST_AUTO_TEST_CASE(an_error_of_one_callback_loses_no_other) {
  Worker worker;
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    worker.submit([] { return Status(); },
                  [&](const Status&) { return ++done == 2 ? failed("of the second") : Status(); });
  }
  std::string said;
  while (worker.pending() > 0) {
    BOOST_REQUIRE(readable(worker, 10'000));
    if (const Status status = worker.deliver(); !status.ok()) said = status.what();
  }
  BOOST_TEST(done == 5);
  BOOST_TEST(said == "of the second");
}

BOOST_AUTO_TEST_SUITE_END()
