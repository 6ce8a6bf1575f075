// What a changed plan may go on from: fit_state().
#include "supervisor/state_fit.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

struct Stage {
  std::string name;
  std::string run;
  StageRole role = StageRole::kOperator;
  std::vector<TableSpec> state = {};
  std::vector<AnsweredTarget> writes = {};
};

JobPlan plan_of(const std::vector<Stage>& stages) {
  JobPlan plan;
  for (const Stage& stage : stages) {
    plan.pipeline.stages.push_back({.name = stage.name, .run = stage.run});
    plan.stages.push_back({.executable = "stream-" + stage.run, .role = stage.role});
    plan.stages.back().answer.state = stage.state;
    plan.stages.back().answer.writes = stage.writes;
  }
  return plan;
}

TableSpec counts(const std::string& definition = "count(*)") {
  TableSpec spec;
  spec.name = "counts";
  spec.key = {{"host", kVarchar}};
  spec.add_value({"n", kBigint}, definition, true);
  return spec;
}

TableSpec outbox() {
  TableSpec spec;
  spec.name = "outbox";
  spec.distribution = Distribution::kOutbox;
  spec.key = {{"_epoch", kBigint}};
  spec.value = {{"n", kBigint}};
  return spec;
}

Stage counting(const std::string& name = "per-host") { return {name, "aggregate", StageRole::kOperator, {counts()}}; }

Stage writing(const std::string& path, const std::string& name = "out") {
  return {name, "write-sqlite", StageRole::kSink, {outbox()}, {{"path", path, false, "table t"}}};
}

using Lines = std::vector<std::string>;

void check_lines(const Lines& found, const Lines& expected) {
  BOOST_TEST(found == expected, boost::test_tools::per_element());
}

constexpr bool kSettled = true;
constexpr bool kPending = false;

}  // namespace

BOOST_AUTO_TEST_SUITE(state_fit)

BOOST_AUTO_TEST_CASE(the_same_plan_fits) {
  const JobPlan plan = plan_of({counting(), writing("/a.db")});
  for (const bool settled : {kSettled, kPending}) {
    const StateFit fit = fit_state(plan, plan, settled);
    BOOST_TEST(fit.fits(false));
    BOOST_TEST(fit.notes.empty());
    BOOST_TEST(fit.report("fits") == "fits");
  }
}

BOOST_AUTO_TEST_CASE(state_that_means_something_else_never_fits) {
  Stage summing = counting();
  summing.state = {counts("sum(ms)")};
  const StateFit fit = fit_state(plan_of({counting()}), plan_of({summing}), kSettled);
  check_lines(fit.misfits, {"stage 'per-host': state table 'counts': column 'n' was count(*) and is sum(ms) now"});
  BOOST_TEST(!fit.fits(true));
  check_lines(fit_state(plan_of({counting()}), plan_of({{"per-host", "select"}}), kSettled).misfits,
              {"stage 'per-host': it was aggregate and is select now"});
  Stage bare = counting();
  bare.state.clear();
  check_lines(fit_state(plan_of({counting()}), plan_of({bare}), kSettled).misfits,
              {"stage 'per-host': state table 'counts' would be lost"});
  JobPlan other = plan_of({counting()});
  other.pipeline.key_groups = 16;
  check_lines(fit_state(plan_of({counting()}), other, kSettled).misfits,
              {"key-groups was 1024 and is 16 now; 'stream state reshard' changes it in a savepoint"});
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_gone_may_be_dropped) {
  const StateFit fit = fit_state(plan_of({counting()}), plan_of({}), kSettled);
  check_lines(fit.lost, {"stage 'per-host' is gone, and its state with it"});
  BOOST_TEST(!fit.fits(false));
  BOOST_TEST(fit.fits(true));
  BOOST_TEST(fit.report("no") ==
             "no\n  stage 'per-host' is gone, and its state with it (--allow-non-restored-state drops it)");
  const Stage stateless{"odd", "filter"};
  BOOST_TEST(fit_state(plan_of({stateless}), plan_of({}), kPending).fits(false));
}

BOOST_AUTO_TEST_CASE(a_renamed_stage_is_recognised_if_it_is_the_only_new_one) {
  const StateFit one = fit_state(plan_of({counting()}), plan_of({counting("by-host")}), kSettled);
  BOOST_TEST(one.lost.front().ends_with("if it is 'by-host' now, leave it its name: state is found by it"));
  check_lines(one.notes, {"stage 'by-host' is new: it begins without state"});
  const StateFit two = fit_state(plan_of({counting()}), plan_of({counting("by-host"), counting("by-path")}), kSettled);
  BOOST_TEST(two.lost.front().ends_with("and its state with it"));
}

BOOST_AUTO_TEST_CASE(a_sink_may_change_when_nothing_is_pending) {
  const JobPlan before = plan_of({writing("/a.db")});
  const JobPlan elsewhere = plan_of({writing("/b.db")});
  BOOST_TEST(fit_state(before, elsewhere, kSettled).fits(false));
  const StateFit pending = fit_state(before, elsewhere, kPending);
  BOOST_TEST_REQUIRE(pending.misfits.size() == 1u);
  BOOST_TEST(pending.misfits[0].starts_with(
      "stage 'out': it wrote to '/a.db', table t and would write to '/b.db', table t, but has rows to write still"));
  BOOST_TEST(fit_state(before, plan_of({}), kSettled).fits(false));
  check_lines(fit_state(before, plan_of({}), kPending).lost,
              {"stage 'out' is gone: rows it has to write still would be lost"});
}

BOOST_AUTO_TEST_CASE(columns_of_a_sink_may_change_when_nothing_is_pending) {
  Stage narrow = writing("/a.db");
  narrow.state[0].value.clear();
  const JobPlan before = plan_of({writing("/a.db")});
  BOOST_TEST(fit_state(before, plan_of({narrow}), kSettled).fits(false));
  BOOST_TEST(!fit_state(before, plan_of({narrow}), kPending).fits(true));
}

BOOST_AUTO_TEST_CASE(what_is_added_is_noted) {
  Stage more = counting();
  more.state[0].add_value({"top", kBigint}, "max(ms)");
  check_lines(fit_state(plan_of({counting()}), plan_of({more}), kSettled).notes,
              {"stage 'per-host': column 'top' of state table 'counts' is new: it counts from here on"});
}

BOOST_AUTO_TEST_SUITE_END()
