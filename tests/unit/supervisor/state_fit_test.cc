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
  Changelog reads = Changelog::kAppend;
};

JobPlan plan_of(const std::vector<Stage>& stages) {
  JobPlan plan;
  for (const Stage& stage : stages) {
    plan.pipeline.stages.push_back({.name = stage.name, .run = stage.run});
    plan.stages.push_back({.executable = "stream-" + stage.run, .role = stage.role});
    plan.stages.back().answer.state = stage.state;
    plan.stages.back().answer.writes = stage.writes;
    plan.stages.back().inputs.emplace_back().schema.changelog = stage.reads;
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
             "no\n  stage 'per-host' is gone, and its state with it (--allow-non-restored-state drops it)"
             "\n  remedy: evolve: {per-host: {drop: true}}");
  const Stage stateless{"odd", "filter"};
  BOOST_TEST(fit_state(plan_of({stateless}), plan_of({}), kPending).fits(false));
}

BOOST_AUTO_TEST_CASE(a_renamed_stage_is_recognised_if_it_is_the_only_new_one) {
  const StateFit one = fit_state(plan_of({counting()}), plan_of({counting("by-host")}), kSettled);
  BOOST_TEST(one.lost.front().ends_with("; is it 'by-host' now?"));
  check_lines(one.notes, {"stage 'by-host' is new: it begins without state"});
  const StateFit two = fit_state(plan_of({counting()}), plan_of({counting("by-host"), counting("by-path")}), kSettled);
  BOOST_TEST(two.lost.front().ends_with("and its state with it"));
  check_lines(one.remedies, {"evolve: {by-host: {was: per-host}}", "evolve: {per-host: {drop: true}}"});
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

BOOST_AUTO_TEST_CASE(that_a_changing_result_has_a_new_place_is_noted) {
  const auto notes = [](const std::string& path, Changelog reads, const std::string& name = "out") {
    Stage sink = writing(path, name);
    sink.reads = reads;
    return fit_state(plan_of({counting(), writing("/a.db")}), plan_of({counting(), sink}), kSettled).notes;
  };
  check_lines(
      notes("/b.db", Changelog::kUpdates),
      {"stage 'out': nothing of this job was written to '/b.db', table t before: only rows that change from here "
       "on get there; copy there what was written till now, or begin without this state, to have all of them"});
  check_lines(notes("/a.db", Changelog::kUpdates), {});
  check_lines(notes("/b.db", Changelog::kAppend), {});
  BOOST_TEST(notes("/a.db", Changelog::kUpserts, "other").size() == 1U);  // that it is new
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

namespace {

JobPlan with(JobPlan plan, std::vector<EvolvedStage> evolve) {
  plan.pipeline.evolve = std::move(evolve);
  return plan;
}

std::string verdicts(const StateFit& fit) {
  std::string text;
  for (const TableVerdict& table : fit.tables) {
    text +=
        (text.empty() ? "" : " ") + table.stage + "." + table.table + ":" + std::string(verdict_name(table.verdict));
  }
  return text;
}

EvolvedStage stage_was(const std::string& name, const std::string& was) { return {.name = name, .was = was}; }
EvolvedStage dropped(const std::string& name) { return {.name = name, .drop = true}; }

EvolvedStage column(const std::string& stage, ColumnEvolution change) {
  EvolvedStage entry{.name = stage};
  entry.columns.push_back({std::move(change), {"m.yaml", 3, 5}});
  return entry;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_renamed_stage_takes_up_what_the_other_has_kept) {
  Stage before = counting();
  Stage now = counting("by-host");
  before.state[0].name = "per_host";
  before.state.push_back(before.state[0]);
  before.state[1].name = "per_host_fired";
  now.state[0].name = "by_host";
  now.state.push_back(now.state[0]);
  now.state[1].name = "by_host_fired";
  const StateFit fit = fit_state(plan_of({before}), with(plan_of({now}), {stage_was("by-host", "per-host")}), kPending);
  BOOST_TEST(fit.fits(false));
  BOOST_TEST(verdicts(fit) == "by-host.by_host:renamed by-host.by_host_fired:renamed");
  BOOST_TEST(fit.tables[1].was == "per-host.per_host_fired");
  const StageEvolution& evolution = fit.evolutions.at("by-host");
  BOOST_TEST(evolution.was == "per-host");
  BOOST_TEST(evolution.kept_name("by_host_fired") == "per_host_fired");
}

BOOST_AUTO_TEST_CASE(two_stages_may_change_names) {
  Stage a = counting("a");
  Stage b = counting("b");
  b.state[0].value[0].name = "m";
  Stage a_now = b;
  Stage b_now = a;
  a_now.name = "a";
  b_now.name = "b";
  const JobPlan wanted = with(plan_of({a_now, b_now}), {stage_was("a", "b"), stage_was("b", "a")});
  const StateFit fit = fit_state(plan_of({a, b}), wanted, kSettled);
  BOOST_TEST(fit.fits(false));
  BOOST_TEST(fit.evolutions.at("a").was == "b");
  BOOST_TEST(fit.evolutions.at("b").was == "a");
}

BOOST_AUTO_TEST_CASE(an_entry_that_says_something_of_nothing_is_an_error_at_its_place) {
  const JobPlan kept = plan_of({counting()});
  const auto said = [&](EvolvedStage entry, const JobPlan& wanted) {
    entry.at = {"m.yaml", 2, 3};
    const StateFit fit = fit_state(kept, with(wanted, {std::move(entry)}), kSettled);
    return fit.problems.empty() ? std::string("nothing") : fit.problems.front();
  };
  BOOST_TEST(said(stage_was("by-host", "per-hots"), plan_of({counting("by-host")})) ==
             "m.yaml:2:3: 'evolve': there is no state of a stage 'per-hots'; did you mean 'per-host'?");
  BOOST_TEST(said(stage_was("per-host", "old"), kept) ==
             "m.yaml:2:3: 'evolve': there is no state of a stage 'old'; it is called 'per-host' there already: leave "
             "'was' out");
  BOOST_TEST(said(dropped("hosts"), kept) == "m.yaml:2:3: 'evolve': there is no state of a stage 'hosts' to drop");
  BOOST_TEST(said(stage_was("by-host", "per-host"), plan_of({counting(), counting("by-host")})) ==
             "m.yaml:2:3: 'evolve': there is a stage 'per-host' still, and it takes up its state itself");
  BOOST_TEST(said(column("per-host", {"m", "", true, "", {}}), kept) ==
             "m.yaml:3:5: 'evolve': the state of stage 'per-host' has no column 'm'");
  BOOST_TEST(said(column("per-host", {"n", "", false, "", "7"}), kept) ==
             "m.yaml:3:5: 'evolve': column 'n' is kept with its values; leave its default out");
}

BOOST_AUTO_TEST_CASE(what_was_done_when_the_state_was_kept_is_not_done_again) {
  const auto block_with = [](const std::string& conversion) {
    EvolvedStage stage = column("by-host", {"n", "", false, conversion, {}});
    stage.was = "per-host";
    return std::vector<EvolvedStage>{stage, dropped("gone")};
  };
  const std::vector<EvolvedStage> block = block_with("n * 100");
  const JobPlan kept = with(plan_of({counting("by-host")}), block);
  const StateFit fit = fit_state(kept, kept, kPending);
  BOOST_TEST(fit.fits(false));
  BOOST_TEST(fit.evolutions.empty());
  BOOST_TEST(verdicts(fit) == "by-host.counts:kept");
  // Another conversion is another entry.
  const StateFit again = fit_state(kept, with(kept, block_with("n * 10")), kPending);
  BOOST_TEST(verdicts(again) == "by-host.counts:converted");
  BOOST_TEST(again.evolutions.at("by-host").was.empty());
}

BOOST_AUTO_TEST_CASE(what_is_done_is_told_apart_when_a_stage_is_renamed_again) {
  EvolvedStage first = column("b", {"n", "", false, "n * 100", {}});
  first.was = "a";
  EvolvedStage second = column("c", {"n", "", false, "n * 100", {}});
  second.was = "b";
  const std::vector<EvolvedStage> left = still_to_do({second}, {first});
  BOOST_TEST_REQUIRE(left.size() == 1u);
  BOOST_TEST(left[0].was == "b");
  BOOST_TEST(left[0].columns.empty());
}

BOOST_AUTO_TEST_CASE(what_is_dropped_on_purpose_is_not_missed) {
  const StateFit gone = fit_state(plan_of({counting()}), with(plan_of({}), {dropped("per-host")}), kPending);
  BOOST_TEST(gone.fits(false));
  BOOST_TEST(verdicts(gone) == "per-host.counts:dropped");
  Stage summing = counting();
  summing.state = {counts("sum(ms)")};
  const StateFit anew = fit_state(plan_of({counting()}), with(plan_of({summing}), {dropped("per-host")}), kPending);
  BOOST_TEST(anew.fits(false));
  BOOST_TEST(anew.evolutions.at("per-host").drop);
  Stage other = {"per-host", "top-n", StageRole::kOperator, {counts()}};
  BOOST_TEST(fit_state(plan_of({counting()}), with(plan_of({other}), {dropped("per-host")}), kPending).fits(false));
}

BOOST_AUTO_TEST_CASE(a_sink_with_rows_to_write_keeps_its_name) {
  const JobPlan now = with(plan_of({writing("/a.db", "table")}), {stage_was("table", "out")});
  BOOST_TEST(fit_state(plan_of({writing("/a.db")}), now, kSettled).fits(false));
  const StateFit pending = fit_state(plan_of({writing("/a.db")}), now, kPending);
  BOOST_TEST_REQUIRE(pending.misfits.size() == 1u);
  BOOST_TEST(pending.misfits[0].starts_with("stage 'table': it was called 'out', but has rows to write still"));
}

BOOST_AUTO_TEST_SUITE_END()
