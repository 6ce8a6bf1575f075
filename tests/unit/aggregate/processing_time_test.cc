// Windows that go by the clock at which rows come: a clock of the test's own.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

Schema timeless() {
  Schema schema = record_schema();
  schema.time.reset();
  return schema;
}

// An aggregate, its clock, and what it is told by the loop.
class Timed {
 public:
  explicit Timed(const std::string& window)
      : running_({.compute = "count(*)", .by = {"k"}, .window = window, .clock = "processing"}, timeless(), {},
                 clock_) {}

  void rows(std::size_t count) {
    std::vector<Record> records(count);
    for (Record& r : records) r.k = 1;
    running_.batch(batch_of(running_.input(), records), out);
  }
  // Moves the clock, stopping where the operator is due.
  void pass(Microseconds by) {
    const Microseconds until = clock_.wall_us() + by;
    for (auto due = running_.op().due(); due && *due <= until; due = running_.op().due()) {
      clock_.advance(std::max<Microseconds>(0, *due - clock_.wall_us()));
      require_ok(running_.op().on_time(clock_.wall_us(), out));
      while (running_.op().has_more()) require_ok(running_.op().more(out));
    }
    clock_.advance(until - clock_.wall_us());
  }
  Running& running() { return running_; }

  Gather out;

 private:
  ManualClock clock_;
  Running running_;
};

using Lines = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(processing_time)

BOOST_AUTO_TEST_CASE(a_window_is_emitted_when_its_time_is_over_though_no_row_comes) {
  Timed timed("tumble 10s");
  timed.pass(3 * kSecond);
  BOOST_TEST(!timed.running().op().due().has_value());
  timed.rows(2);
  timed.pass(5 * kSecond);
  timed.rows(1);
  BOOST_TEST(timed.out.log.empty());
  timed.pass(20 * kSecond);
  BOOST_TEST(timed.out.log == Lines({"+1|0|10000000|3"}), boost::test_tools::per_element());
  BOOST_TEST(!timed.running().op().due().has_value());
  timed.rows(1);
  timed.running().end(timed.out);
  BOOST_TEST(timed.out.log == Lines({"+1|0|10000000|3", "+1|20000000|30000000|1"}), boost::test_tools::per_element());
  BOOST_TEST(timed.running().store().rows() == 0);
}

BOOST_AUTO_TEST_CASE(windows_that_overlap_and_sessions_go_by_it_too) {
  Timed hop("hop 4s every 2s");
  hop.pass(3 * kSecond);
  hop.rows(1);
  hop.pass(20 * kSecond);
  BOOST_TEST(hop.out.log == Lines({"+1|0|4000000|1", "+1|2000000|6000000|1"}), boost::test_tools::per_element());
  Timed session("session 4s");
  for (int i = 0; i < 3; ++i) {
    session.rows(1);
    session.pass(3 * kSecond);
  }
  BOOST_TEST(session.out.log.empty());
  session.pass(20 * kSecond);
  BOOST_TEST(session.out.log == Lines({"+1|0|10000000|3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(results_have_no_event_time_and_nothing_needs_one) {
  Timed timed("tumble 10s");
  const PlanAnswer& plan = timed.running().plan();
  BOOST_TEST(!plan.outputs[0].schema.time.has_value());
  BOOST_TEST(plan.inputs[0].needs == Lines({"k"}), boost::test_tools::per_element());
  BOOST_TEST(plan.state[0].definition == "tumble 10s of processing_time");
}

BOOST_AUTO_TEST_SUITE_END()
