#include "supervisor/attempt.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/temp_dir.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(attempt)

// Whoever wrote the stage: before the job runs there is no checkpoint that could be meant.
BOOST_AUTO_TEST_CASE(a_stage_that_speaks_of_a_checkpoint_before_the_job_runs_misbehaves) {
  const TempDir dir;
  JobPlan plan;
  plan.pipeline.stages.emplace_back().name = "out";
  plan.stages.emplace_back().executable = "/bin/true";
  plan.stages[0].parallelism = 1;
  auto log = JobLog::open(dir.path(), "job", LogLevel::kError);
  BOOST_TEST_REQUIRE(log.ok());
  Transport transport;
  ControlServer control = *ControlServer::bind(transport, "ipc:///tmp/stream-attempt-test");
  AttemptRun::Setup setup;
  setup.plan = &plan;
  setup.assignments.emplace_back().attempt = 1;
  const auto launcher = make_local_launcher(-1);
  setup.launcher = launcher.get();
  AttemptRun run(std::move(setup), control, *log);
  BOOST_TEST_REQUIRE(run.start().ok());
  ControlClient stage = *ControlClient::connect(transport, control.endpoint(), "out.0.1");
  SnapshotDone done;
  done.epoch = 1;
  for (const std::string& word : {to_json(done), to_json(Note{"committed", 1, "", {}})}) {
    BOOST_TEST_REQUIRE(stage.send(word).ok());
    std::optional<Misbehaved> said;
    const Microseconds deadline = system_clock().monotonic_us() + 5'000'000;
    while (!said && system_clock().monotonic_us() < deadline) {
      Poller poller;
      poller.add(control.socket().handle());
      BOOST_TEST_REQUIRE(poller.wait(100'000).ok());
      auto events = run.collect();
      BOOST_TEST_REQUIRE(events.ok());
      for (const AttemptEvent& event : *events) {
        BOOST_TEST(!std::holds_alternative<SnapshotReported>(event));
        BOOST_TEST(!std::holds_alternative<EpochCommitted>(event));
        if (const auto* misbehaved = std::get_if<Misbehaved>(&event)) said = *misbehaved;
      }
    }
    BOOST_TEST_REQUIRE(said.has_value());
    BOOST_TEST(said->reason.ends_with("before the job runs"), said->reason);
  }
}

BOOST_AUTO_TEST_SUITE_END()
