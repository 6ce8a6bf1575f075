// Windows that are shown before they end: at any moment what they would be if all ended now, and in the end what they
// are without.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

Options shown(const std::string& window, const std::string& lateness = "0s") {
  return {.compute = "count(*) as n, sum(v) as total, max(v) as top",
          .by = {"k"},
          .window = window,
          .lateness = lateness,
          .early = "10s"};
}

// What there is when the input ends behind so many steps.
std::set<std::string> ended_after(Options options, const std::vector<Step>& steps, std::size_t count,
                                  bool windows = true) {
  options.early.clear();
  const TempDir dir;
  Gather out;
  auto instances = start(options, 1, dir, 0, nullptr, kNoWatermark, out);
  for (std::size_t i = 0; i < count; ++i) feed(instances, steps[i], {0}, windows, out);
  instances[0].running->end(out);
  return out.rows;
}

void run(std::uint64_t seed, const Options& options) {
  BOOST_TEST_CONTEXT("seed " << seed << ", " << options.window << ", lateness " << options.lateness) {
    const TempDir dir;
    const std::vector<Step> steps = steps_of(seed, 20);
    Gather out;
    auto instances = start(options, 1, dir, 1, nullptr, kNoWatermark, out);
    Epoch epoch(0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      feed(instances, steps[i], {0}, true, out);
      if (i % 3 == 1) {
        for (Instance& instance : instances) instance.running->time(static_cast<Microseconds>(i), out);
        BOOST_TEST(out.rows == ended_after(options, steps, i + 1), boost::test_tools::per_element());
      }
      if (i % 4 != 2) continue;
      epoch = epoch.next();
      const RestoreSource source = checkpoint(instances, epoch, dir);
      instances = start(options, static_cast<std::uint32_t>(1 + i % 3), dir, static_cast<int>(i) + 2, &source,
                        steps[i].watermark, out);
    }
    for (Instance& instance : instances) instance.running->end(out);
    BOOST_TEST(out.rows == ended_after(options, steps, steps.size()), boost::test_tools::per_element());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(early)

BOOST_AUTO_TEST_CASE(what_is_shown_is_right_and_in_the_end_nothing_else_is_left) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (const char* window : {"tumble 10s", "hop 20s every 5s", "cumulate 20s every 5s", "session 4s"})
      run(seed, shown(window));
    for (const char* window : {"tumble 10s", "hop 20s every 5s"}) run(seed, shown(window, "15s"));
  }
}

BOOST_AUTO_TEST_CASE(what_has_not_changed_is_not_sent_again) {
  Running running(shown("tumble 10s"), record_schema());
  Gather out;
  std::vector<Record> records(2);
  records[0].k = 1;
  records[1].k = 2;
  BOOST_TEST(!running.op().due().has_value());
  running.batch(batch_of(running.input(), records), out);
  BOOST_TEST(running.op().due().has_value());
  BOOST_TEST(out.log.empty());
  running.time(1, out);
  BOOST_TEST(out.log.size() == 2U);
  running.time(2, out);
  BOOST_TEST(out.log.size() == 2U);
  running.batch(batch_of(running.input(), {records[0]}), out);
  running.time(3, out);
  BOOST_TEST(out.log.size() == 4U);  // the one row before, and after
  running.watermark(100 * kSecond, out);
  BOOST_TEST(out.log.size() == 4U);  // final, and as it was shown
  BOOST_TEST(out.rows.size() == 2U);
  BOOST_TEST(running.store().rows() == 0U);
  BOOST_TEST(!running.op().due().has_value());
}

BOOST_AUTO_TEST_CASE(early_results_change_and_are_refused_where_there_are_none) {
  const auto refused = [](const Options& options) {
    const PlanAnswer answer = plan_aggregate({options.values(), {{"in", record_schema()}}, "/", 1, "per-key"});
    return answer.errors.empty() ? std::string() : answer.errors[0].option + ": " + answer.errors[0].message;
  };
  Running running(shown("tumble 10s"), record_schema());
  BOOST_TEST((running.plan().outputs[0].schema.changelog == Changelog::kUpdates));
  BOOST_TEST(refused({.compute = "count(*)", .early = "1s"}).starts_with("early: there is no window"));
  BOOST_TEST(
      refused({.compute = "count(*)", .window = "count 5", .early = "1s"}).starts_with("early: a window of so many"));
  BOOST_TEST(refused({.compute = "count(*)", .window = "tumble 1s", .early = "0s"}).starts_with("early: it must be"));
  BOOST_TEST(refused({.compute = "count(*)", .window = "tumble 1s", .clock = "processing", .early = "1s"})
                 .starts_with("early: it goes"));
  BOOST_TEST(
      refused({.compute = "count(*)", .window = "tumble 1s", .emit = "final", .early = "1s"}).starts_with("emit: "));
}

BOOST_AUTO_TEST_SUITE_END()
