#include "supervisor/elastic_plan.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

// in -> work -> out, and the bounds of `work` and of `out`; each reads from the one before.
JobPlan chain(InstanceBounds work, InstanceBounds out = {}, autoscale::Mode mode = autoscale::Mode::kOff) {
  JobPlan plan;
  plan.pipeline.autoscale.mode = mode;
  for (const auto& [name, bounds] : {std::pair{"in", InstanceBounds()}, {"work", work}, {"out", out}}) {
    StageSpec spec{.name = name, .run = "filter"};
    spec.bounds = bounds;
    spec.parallelism = std::max(1U, bounds.least);
    PlannedStage stage;
    stage.parallelism = spec.parallelism;
    stage.role = plan.stages.empty() ? StageRole::kSource : StageRole::kOperator;
    stage.answer.outputs = {{.name = "out"}};
    stage.answer.inputs.resize(plan.stages.empty() ? 0 : 1);
    stage.outputs = {{"out", {}}};
    stage.inputs.resize(stage.answer.inputs.size());
    plan.order.push_back(plan.stages.size());
    if (!plan.stages.empty()) plan.edges.push_back({.from = plan.stages.size() - 1, .to = plan.stages.size()});
    plan.stages.push_back(std::move(stage));
    plan.pipeline.stages.push_back(std::move(spec));
  }
  return plan;
}

void on_hosts(JobPlan& plan, std::uint32_t a, std::uint32_t b) {
  plan.pipeline.hosts = {{.name = "a", .address = "a", .slots = a}, {.name = "b", .address = "b", .slots = b}};
}

std::string numbers(const JobPlan& plan, const InstanceNumbers& wanted = {}, const std::set<std::string>& lost = {},
                    std::uint32_t cores = 2) {
  std::string out;
  for (const auto& [stage, number] : fitting_numbers(plan, wanted, lost, cores))
    out += (out.empty() ? "" : ", ") + stage + " " + std::to_string(number);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elastic_plan)

BOOST_AUTO_TEST_CASE(one_that_scales_itself_begins_with_the_least) {
  BOOST_TEST(numbers(chain({2, 8}, {}, autoscale::Mode::kOn)) == "work 2");
  BOOST_TEST(numbers(chain({2, 8}, {}, autoscale::Mode::kAdvice)) == "work 2");
  BOOST_TEST(numbers(chain({2, 8}, {}, autoscale::Mode::kOn), {{"work", 5}}) == "work 5");
  BOOST_TEST(numbers(chain({2, 8}, {}, autoscale::Mode::kOn), {{"work", 50}}) == "work 8");
}

BOOST_AUTO_TEST_CASE(others_take_the_room_there_is) {
  BOOST_TEST(numbers(chain({1, 8}), {}, {}, 4) == "work 4");
  BOOST_TEST(numbers(chain({1, 3}), {}, {}, 4) == "work 3");
  BOOST_TEST(numbers(chain({6, 8}), {}, {}, 4) == "work 6");
  BOOST_TEST(numbers(chain({1, 3}), {{"work", 3}}, {}, 1) == "work 3");  // somebody has said so
  JobPlan plan = chain({1, 8}, {1, 8});
  on_hosts(plan, 0, 0);
  BOOST_TEST(numbers(plan) == "out 4, work 4");
  on_hosts(plan, 4, 3);
  BOOST_TEST(numbers(plan) == "out 3, work 3");
  on_hosts(plan, 5, 3);
  BOOST_TEST(numbers(plan) == "out 3, work 4");  // the last of equals gives way
}

BOOST_AUTO_TEST_CASE(a_lost_host_takes_its_room_with_it_and_brings_it_back) {
  JobPlan plan = chain({2, 8}, {1, 2});
  on_hosts(plan, 6, 6);
  BOOST_TEST(numbers(plan) == "out 2, work 8");
  BOOST_TEST(numbers(plan, {}, {"b"}) == "out 2, work 3");
  BOOST_TEST(numbers(plan) == "out 2, work 8");
  on_hosts(plan, 2, 6);
  BOOST_TEST(numbers(plan, {}, {"b"}) == "out 1, work 2");  // not even that has room
  const JobPlan on = [&] {
    JobPlan scaled = plan;
    scaled.pipeline.autoscale.mode = autoscale::Mode::kOn;
    return scaled;
  }();
  BOOST_TEST(numbers(on, {{"work", 4}}, {"a"}) == "out 1, work 4");
}

BOOST_AUTO_TEST_CASE(what_is_refused_leaves_the_others_their_change) {
  JobPlan plan = chain({1, 8}, {1, 8});
  plan.stages[2].answer.parallelism_max = 1;
  const Renumbered next = renumbered(plan, {{"work", 3}, {"out", 2}});
  BOOST_TEST(next.plan.stages[1].parallelism == 3u);
  BOOST_TEST(next.plan.stages[2].parallelism == 1u);
  BOOST_TEST_REQUIRE(next.refused.size() == 1u);
  BOOST_TEST(next.refused[0].starts_with("stage 'out' cannot have parallelism 2"), next.refused[0]);
  BOOST_TEST(renumbered(plan, {{"work", 1}, {"out", 1}}).changed.empty());
}

BOOST_AUTO_TEST_SUITE_END()
