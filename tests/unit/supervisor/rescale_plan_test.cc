#include "supervisor/rescale_plan.h"

#include <boost/test/unit_test.hpp>

#include "fake_stages.h"

using namespace stream;
using stream::testing::FakeAsker;
using stream::testing::FakeCatalogue;

namespace {

Schema schema(const std::string& columns) { return *parse_schema(columns); }

StageSpec stage(const std::string& name, const std::string& run, const std::vector<std::string>& from = {},
                std::uint32_t parallelism = 1) {
  StageSpec spec{.name = name, .run = run};
  for (const std::string& ref : from) spec.from.push_back({.stage = ref});
  spec.parallelism = parallelism;
  return spec;
}

// in -> totals (count by host, 2 of them) -> out, and in -> raw
JobPlan totals(std::uint64_t memory = 0) {
  FakeAsker asker;
  const auto answer_in = [](const StageQuestion&) {
    return StageAnswer{.outputs = {{"out", schema("host text, a int")}}};
  };
  asker.answers["in"] = answer_in;
  asker.answers["totals"] = [](const StageQuestion& question) {
    AnsweredOutput out{.name = "out", .schema = schema("host text, n bigint")};
    out.schema.key = {0};
    out.schema.changelog = Changelog::kUpdates;
    out.lineage = {{{0, "host"}}, {}};
    StageAnswer answer;
    answer.outputs = {out};
    answer.inputs = {{{"host"}, Spread::kHash, {"host"}}};
    BOOST_TEST(question.inputs.size() == 1u);
    return answer;
  };
  const auto sink = [](std::uint32_t most) {
    return [most](const StageQuestion&) {
      StageAnswer answer;
      answer.inputs = {{{}, Spread::kAny, {}}};
      answer.parallelism_max = most;
      answer.parallelism_why = most == 0 ? "" : "one file has one writer";
      return answer;
    };
  };
  asker.answers["out"] = sink(0);
  asker.answers["raw"] = sink(1);
  PipelineSpec pipeline;
  pipeline.name = "p";
  pipeline.memory_bytes = memory;
  pipeline.stages = {stage("in", "read-file"), stage("totals", "aggregate", {"in"}, 2),
                     stage("out", "print", {"totals"}), stage("raw", "write-file", {"in"})};
  FakeCatalogue catalogue;
  Problems problems;
  JobPlan plan = make_plan(std::move(pipeline), catalogue, asker, {}, problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  return plan;
}

// in -> some -> same, each with 2 instances, which feed one another one by one.
JobPlan chain() {
  FakeAsker asker;
  asker.answers["in"] = [](const StageQuestion&) { return StageAnswer{.outputs = {{"out", schema("a int")}}}; };
  asker.answers["some"] = asker.answers["same"] = [](const StageQuestion&) {
    return StageAnswer{.outputs = {{"out", schema("a int")}}, .inputs = {{{}, Spread::kAny, {}}}};
  };
  PipelineSpec pipeline;
  pipeline.name = "p";
  pipeline.stages = {stage("same", "filter", {"some"}, 2), stage("some", "filter", {"in"}, 2),
                     stage("in", "read-file", {}, 2)};
  FakeCatalogue catalogue;
  Problems problems;
  JobPlan plan = make_plan(std::move(pipeline), catalogue, asker, {}, problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  return plan;
}

std::string refusal(const std::string& stage_name, std::uint32_t parallelism, const PlanLimits& limits = {}) {
  const std::vector<RescaleWish> wishes = {{stage_name, parallelism}};
  const auto plan = rescaled(totals(), wishes, limits);
  return plan.ok() ? "" : plan.status().what();
}

JobPlan after(const JobPlan& plan, std::vector<RescaleWish> wishes) {
  auto next = rescaled(plan, wishes);
  BOOST_TEST_REQUIRE(next.ok(), next.status().what());
  return *std::move(next);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rescale_plan)

BOOST_AUTO_TEST_CASE(rows_are_spread_anew) {
  const JobPlan plan = totals();
  BOOST_TEST((plan.edges[0].kind == EdgeKind::kHash));
  const JobPlan one = after(plan, {{"totals", 1}});
  BOOST_TEST((one.edges[0].kind == EdgeKind::kForward && one.edges[0].hash_columns.empty()));
  BOOST_TEST(one.pipeline.stages[1].parallelism == 1u);
  const JobPlan both = after(one, {{"totals", 3}, {"out", 2}});
  BOOST_TEST((both.edges[0].kind == EdgeKind::kHash));
  BOOST_TEST((both.edges[1].kind == EdgeKind::kHash));  // changes of a row go the same way
  BOOST_TEST(both.edges[1].hash_columns == std::vector<std::string>{"host"}, boost::test_tools::per_element());
  BOOST_TEST((both.stages[1].parallelism == 3U && both.stages[2].parallelism == 2U));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_advice) {
  BOOST_TEST(refusal("totls", 2) == "there is no stage 'totls'; did you mean 'totals'?");
  BOOST_TEST(refusal("xyzzy", 2) == "there is no stage 'xyzzy'; the stages are in, totals, out, raw");
  BOOST_TEST(refusal("raw", 2) ==
             "stage 'raw' cannot have parallelism 2: 'write-file' allows 1: one file has one writer");
  BOOST_TEST(refusal("totals", 0).find("at least one instance") != std::string::npos);
  BOOST_TEST(refusal("totals", 1025).find("there are 1024 key groups; 'stream state reshard'") != std::string::npos);
  BOOST_TEST(refusal("totals", 100, {.sockets = 50}).find("sockets") != std::string::npos);
  BOOST_TEST(refusal("totals", 1024) == "");
}

BOOST_AUTO_TEST_CASE(only_the_stages_concerned_start_anew_and_their_neighbours_get_other_channels) {
  const JobPlan plan = totals();
  const RescalePlan steps = plan_rescale(plan, after(plan, {{"totals", 3}}));
  BOOST_TEST((steps.restarts == std::set<std::size_t>{1}));
  BOOST_TEST((steps.rewires == std::set<std::size_t>{0, 2}));
  BOOST_TEST((steps.edges == std::set<std::size_t>{0, 1}));
  BOOST_TEST(steps.whole == "");
  const RescalePlan two = plan_rescale(plan, after(plan, {{"totals", 1}, {"out", 2}}));
  BOOST_TEST((two.restarts == std::set<std::size_t>{1, 2}));
  BOOST_TEST((two.rewires == std::set<std::size_t>{0}));
  BOOST_TEST(plan_rescale(plan, after(plan, {{"totals", 2}})).nothing());
}

// What one of them has promised of event time is not true for rows of a source that was behind.
BOOST_AUTO_TEST_CASE(who_was_fed_one_by_one_starts_anew_with_who_fed_it) {
  const JobPlan plan = chain();
  const std::size_t same = 0;
  const std::size_t some = 1;
  const std::size_t in = 2;
  const RescalePlan first = plan_rescale(plan, after(plan, {{"in", 1}}));
  BOOST_TEST((first.restarts == std::set<std::size_t>{same, some, in}));
  BOOST_TEST((first.refed == std::set<std::size_t>{same, some}));
  BOOST_TEST((first.rescaled == std::set<std::size_t>{in}));
  const RescalePlan middle = plan_rescale(plan, after(plan, {{"some", 3}}));
  BOOST_TEST((middle.refed == std::set<std::size_t>{same}));
  BOOST_TEST((middle.rewires == std::set<std::size_t>{in}));
  BOOST_TEST(plan_rescale(plan, after(plan, {{"same", 1}})).refed.empty());
  const JobPlan one = after(plan, {{"in", 1}});
  BOOST_TEST(plan_rescale(one, after(one, {{"in", 2}})).refed.empty());  // all were fed alike
  BOOST_TEST(refed_stages(plan, plan).empty());
  JobPlan renamed = plan;
  renamed.pipeline.stages[in].name = "other";
  BOOST_TEST((refed_stages(plan, renamed) == std::set<std::size_t>{same, some}));
}

BOOST_AUTO_TEST_CASE(where_memory_is_divided_all_start_anew) {
  const JobPlan plan = totals(std::uint64_t{1} << 30);
  BOOST_TEST(plan_rescale(plan, after(plan, {{"totals", 3}})).whole == "the memory of the job is divided anew");
}

BOOST_AUTO_TEST_CASE(channels_of_other_edges_stay_and_no_id_comes_twice) {
  const JobPlan plan = totals();
  std::vector<Channel> channels = channels_of(plan);
  const std::size_t raw_edge = 2;
  std::set<std::uint32_t> used;
  for (const Channel& channel : channels) used.insert(channel.id.value());
  JobPlan now = plan;
  std::uint32_t attempt = 1;
  for (const std::uint32_t parallelism : {3U, 1U, 4U}) {
    const JobPlan next = after(now, {{"totals", parallelism}});
    const RescalePlan steps = plan_rescale(now, next);
    const std::vector<Channel> rewired = rewired_channels(channels, next, steps, Attempt(++attempt));
    BOOST_TEST(rewired.size() == channels_of(next).size());
    std::set<std::uint32_t> ids;
    for (const Channel& channel : rewired) {
      BOOST_TEST(ids.insert(channel.id.value()).second);
      BOOST_TEST((channel.attempt == Attempt(channel.edge == raw_edge ? 0 : attempt)));
      const bool known = std::ranges::any_of(channels, [&](const Channel& c) { return c.id == channel.id; });
      BOOST_TEST(known == (channel.edge == raw_edge));
    }
    channels = rewired;
    now = next;
  }
}

BOOST_AUTO_TEST_CASE(a_pipeline_that_is_run_again_as_it_was_keeps_what_was_chosen_since) {
  const JobPlan submitted = totals();
  const JobPlan chosen = *plan_from_json(plan_to_json(after(after(submitted, {{"totals", 3}}), {{"totals", 4}})));
  const auto again = keep_rescaled(submitted, chosen);
  BOOST_TEST(again.plan.stages[1].parallelism == 4u);
  BOOST_TEST_REQUIRE(again.notes.size() == 1u);
  BOOST_TEST(again.notes.at(0) == "stage 'totals' has 4 instances, as it was rescaled, and not 2");
  // And the next time as well.
  BOOST_TEST(keep_rescaled(submitted, again.plan).plan.stages[1].parallelism == 4u);
  // Another number has been asked for since; or it is the same plan that goes on.
  JobPlan other = submitted;
  other.stages[1].parallelism = other.pipeline.stages[1].parallelism = 5;
  BOOST_TEST(keep_rescaled(other, chosen).plan.stages[1].parallelism == 5u);
  BOOST_TEST(keep_rescaled(chosen, chosen).notes.empty());
  BOOST_TEST(keep_rescaled(chosen, chosen).plan.stages[1].parallelism == 4u);
  BOOST_TEST(keep_rescaled(submitted, submitted).plan.stages[1].parallelism == 2u);
}

BOOST_AUTO_TEST_CASE(bounds_are_given_and_hold) {
  JobPlan plan = after(totals(), {{"totals", 0, InstanceBounds{2, 4}}});
  BOOST_TEST(plan.stages[1].parallelism == 2u);
  BOOST_TEST((plan.pipeline.stages[1].bounds == InstanceBounds{2, 4}));
  plan = after(plan, {{"totals", 4}});
  BOOST_TEST(plan.stages[1].parallelism == 4u);
  const std::vector<RescaleWish> too_many = {{"totals", 5}};
  BOOST_TEST(rescaled(plan, too_many).status().what() ==
             "stage 'totals' cannot have parallelism 5: its bounds are 2..4; give it others, as totals=2..5");
  plan = after(plan, {{"totals", 0, InstanceBounds{1, 3}}});
  BOOST_TEST(plan.stages[1].parallelism == 3u);
  const std::vector<RescaleWish> one_writer = {{"raw", 1, InstanceBounds{1, 2}}};
  BOOST_TEST(!rescaled(plan, one_writer).ok());
  BOOST_TEST(plan_from_json(plan_to_json(plan))->stages[1].submitted_bounds.has_value());
}

BOOST_AUTO_TEST_CASE(bounds_that_were_chosen_hold_until_the_pipeline_says_others) {
  const JobPlan submitted = totals();
  const JobPlan chosen = after(submitted, {{"totals", 3, InstanceBounds{1, 4}}});
  const auto kept = keep_rescaled(submitted, chosen);
  BOOST_TEST_REQUIRE(kept.notes.size() == 1u);
  BOOST_TEST(kept.notes[0] == "stage 'totals' has 1..4 instances, now 3, as it was rescaled, and not 2");
  BOOST_TEST((kept.plan.pipeline.stages[1].bounds == InstanceBounds{1, 4}));
  BOOST_TEST(kept.plan.stages[1].parallelism == 3u);
  BOOST_TEST((keep_rescaled(submitted, kept.plan).plan.pipeline.stages[1].bounds == InstanceBounds{1, 4}));
  JobPlan other = submitted;
  other.pipeline.stages[1].bounds = {1, 9};
  BOOST_TEST((keep_rescaled(other, chosen).plan.pipeline.stages[1].bounds == InstanceBounds{1, 9}));
}

BOOST_AUTO_TEST_CASE(a_number_within_bounds_that_were_submitted_is_kept) {
  JobPlan submitted = totals();
  submitted.pipeline.stages[1].bounds = {2, 8};
  const JobPlan chosen = after(submitted, {{"totals", 5}});
  const auto kept = keep_rescaled(submitted, chosen);
  BOOST_TEST(kept.plan.stages[1].parallelism == 5u);
  BOOST_TEST_REQUIRE(kept.notes.size() == 1u);
  BOOST_TEST(kept.notes[0] == "stage 'totals' has 5 instances, as it was rescaled within 2..8");
}

BOOST_AUTO_TEST_SUITE_END()
