#include "stages/kit/supervised.h"

#include <boost/test/unit_test.hpp>
#include <semaphore>
#include <thread>

#include "tests/support/temp_dir.h"
#include "transport/control.h"
#include "transport/control_messages.h"

using namespace stream;

namespace {

std::binary_semaphore may_rewind{0};

// A sink that takes as long to start as the test wants.
class SlowSink final : public Sink {
 public:
  Status on_batch(std::size_t, Batch, Emitter&) override { return {}; }
  Status prepare(Epoch) override { return {}; }
  Status commit(Epoch) override { return {}; }
  Status on_restored(Epoch) override { return {}; }
  Status rewind(Epoch) override {
    may_rewind.acquire();
    return {};
  }
};

Result<std::unique_ptr<Sink>> make_slow(Context&) { return std::unique_ptr<Sink>(std::make_unique<SlowSink>()); }

const StageProgram kSlow = {.name = "slow",
                            .summary = "start slowly",
                            .description = "For tests.",
                            .kind = StageKind::kSink,
                            .make_sink = make_slow};

// The supervisor's end.
class Supervisor {
 public:
  std::string endpoint() const { return server_.endpoint(); }

  // The type of the next message; "nothing" after 10 s.
  std::string next() {
    const Microseconds until = system_clock().monotonic_us() + 10'000'000;
    while (system_clock().monotonic_us() < until) {
      const auto message = server_.receive();
      BOOST_TEST_REQUIRE(message.ok());
      if (*message) return note_from_json((*message)->text)->type;
      Poller poller;
      poller.add(server_.socket().handle());
      BOOST_TEST_REQUIRE(poller.wait(1'000'000).ok());
    }
    return "nothing";
  }
  std::string next_but_stats() {
    for (;;) {
      if (std::string type = next(); type != "stats") return type;
    }
  }
  void send(const std::string& text) { BOOST_TEST(server_.send("out.0.1", text).ok()); }

 private:
  Transport transport_;
  ControlServer server_ = *ControlServer::bind(transport_, "ipc:///tmp/stream-supervised-test");
};

}  // namespace

BOOST_AUTO_TEST_SUITE(supervised)

BOOST_AUTO_TEST_CASE(an_instance_shows_life_while_it_restores_and_while_it_waits_for_the_others) {
  const TempDir dir;
  Supervisor supervisor;
  Status ended = failed("still running");
  std::thread instance([&] { ended = run_supervised(kSlow, supervisor.endpoint() + "#out.0.1"); });
  BOOST_TEST(supervisor.next() == "hello");
  Assignment assignment;
  assignment.job = "job";
  assignment.run = std::string(32, '7');
  assignment.attempt = 1;
  assignment.stage = "out";
  assignment.options = "{}";
  assignment.sockets = dir.path();
  assignment.checkpoints = dir / "checkpoints";
  assignment.scratch = dir / "scratch";
  assignment.dead_letter = dir / "dead-letter";
  assignment.stats_every = 1'000;
  assignment.must_rewind = true;
  supervisor.send(to_json(assignment));
  for (int beat = 0; beat < 3; ++beat) BOOST_TEST(supervisor.next() == "stats", "while it restores");
  may_rewind.release();
  BOOST_TEST(supervisor.next_but_stats() == "endpoints");
  for (int beat = 0; beat < 3; ++beat) BOOST_TEST(supervisor.next() == "stats", "while it waits");
  supervisor.send(to_json(Note{"exit", 0, {}, {}}));
  instance.join();
  BOOST_TEST(ended.ok(), ended.what());
}

BOOST_AUTO_TEST_SUITE_END()
