#include "supervisor/autoscale/load.h"

#include <boost/test/unit_test.hpp>

using namespace stream;
using namespace stream::autoscale;

namespace {

constexpr Microseconds kSecond = 1'000'000;

// What an instance did in ten seconds.
InstanceCount did(std::uint64_t in, std::uint64_t out, double busy, double held_back = 0) {
  const auto total = static_cast<double>(10 * kSecond);
  return {in, out, 10 * kSecond, static_cast<Microseconds>(total * (1 - busy - held_back)),
          static_cast<Microseconds>(total * held_back)};
}

StageCount nothing_yet(std::size_t instances, std::optional<double> backlog = {}) {
  return {std::vector<InstanceCount>(instances), backlog};
}

std::vector<StageLoad> ten_seconds(const Graph& graph, std::vector<StageCount> first, std::vector<StageCount> last,
                                   Settings settings = {}) {
  return measure(graph, {0, std::move(first)}, {10 * kSecond, std::move(last)}, settings);
}

StageFacts source(std::string name) { return {.name = std::move(name), .source = true}; }
StageFacts operator_stage(std::string name) { return {.name = std::move(name)}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(load)

BOOST_AUTO_TEST_CASE(the_true_rate_is_that_of_instances_that_are_never_idle) {
  const Graph graph{{source("in"), operator_stage("sum")}, {{0, 1}}, {0, 1}};
  const auto loads = ten_seconds(graph, {nothing_yet(1), nothing_yet(2)},
                                 {{{did(0, 1000, 0.1)}, {}}, {{did(600, 10, 0.5), did(400, 10, 0.25)}, {}}});
  BOOST_TEST(loads[0].rate == 100);
  BOOST_TEST(loads[0].true_rate == 1000, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(loads[1].rate == 100);
  BOOST_TEST(loads[1].busy == 0.5, boost::test_tools::tolerance(1e-6));  // of the busiest
  BOOST_TEST(loads[1].true_rate == 200, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(loads[1].demand == 100);
}

BOOST_AUTO_TEST_CASE(a_backlog_that_grows_is_demand_and_what_waits_is_caught_up_with) {
  Settings settings;
  settings.catch_up_duration = 100 * kSecond;
  const Graph graph{{source("in"), operator_stage("work")}, {{0, 1}}, {0, 1}};
  const auto loads = ten_seconds(graph, {nothing_yet(1, 1000), nothing_yet(1)},
                                 {{{did(0, 1000, 0.1, 0.9)}, 3000.0}, {{did(1000, 0, 1)}, {}}}, settings);
  BOOST_TEST(loads[0].demand == 300);  // 100 a second were read, 200 more came
  BOOST_TEST(loads[0].catch_up == 30);
  BOOST_TEST(loads[1].demand == 300);
  BOOST_TEST(loads[1].catch_up == 30);
  BOOST_TEST(loads[1].true_rate == 100);
}

BOOST_AUTO_TEST_CASE(a_backlog_to_which_nothing_comes_is_no_demand_but_is_caught_up_with) {
  const Graph graph{{source("in")}, {}, {0}};
  const auto loads = ten_seconds(graph, {nothing_yet(1, 9000)}, {{{did(0, 3000, 0.5)}, 6000.0}});
  BOOST_TEST(loads[0].demand == 0);
  BOOST_TEST(loads[0].catch_up == 20);  // of five minutes
}

BOOST_AUTO_TEST_CASE(a_source_that_cannot_tell_could_read_as_much_more_as_it_was_held_back) {
  const Graph graph{{source("in"), operator_stage("work")}, {{0, 1}}, {0, 1}};
  const auto loads =
      ten_seconds(graph, {nothing_yet(1), nothing_yet(1)}, {{{did(0, 1000, 0.1, 0.75)}, {}}, {{did(1000, 0, 1)}, {}}});
  BOOST_TEST(loads[0].demand == 400, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(loads[1].demand == 400, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(rows_that_pile_up_on_the_way_are_demand) {
  const Graph graph{{source("in"), operator_stage("work")}, {{0, 1}}, {0, 1}};
  const auto loads =
      ten_seconds(graph, {nothing_yet(1, 0), nothing_yet(1)}, {{{did(0, 6000, 0.1)}, 0.0}, {{did(2000, 0, 1)}, {}}});
  BOOST_TEST(loads[1].demand == 600);
  BOOST_TEST(loads[1].true_rate == 200);
}

BOOST_AUTO_TEST_CASE(ratios_of_a_fan_out_are_kept) {
  // in -> split -> one, two: split makes two rows of one, and sends a tenth of them to `two`.
  const Graph graph{{source("in"), operator_stage("split"), operator_stage("one"), operator_stage("two")},
                    {{0, 1}, {1, 2}, {1, 3}},
                    {0, 1, 2, 3}};
  const auto loads = ten_seconds(
      graph, {nothing_yet(1, 0), nothing_yet(1), nothing_yet(1), nothing_yet(1)},
      {{{did(0, 1000, 0.1)}, 1000.0}, {{did(1000, 2000, 1)}, {}}, {{did(1800, 0, 1)}, {}}, {{did(200, 0, 1)}, {}}});
  BOOST_TEST(loads[1].demand == 200);
  BOOST_TEST(loads[2].demand == 360);
  BOOST_TEST(loads[3].demand == 40);
}

BOOST_AUTO_TEST_CASE(of_several_inputs_each_counts_by_what_it_sends) {
  const Graph graph{{source("much"), source("little"), operator_stage("both")}, {{0, 2}, {1, 2}}, {0, 1, 2}};
  const auto loads =
      ten_seconds(graph, {nothing_yet(1, 0), nothing_yet(1, 0), nothing_yet(1)},
                  {{{did(0, 9000, 0.1)}, 0.0}, {{did(0, 1000, 0.1)}, 3000.0}, {{did(10'000, 0, 1)}, {}}});
  BOOST_TEST(loads[2].demand == 1300);  // the small one wants four times as much
}

BOOST_AUTO_TEST_CASE(an_instance_that_began_anew_or_said_nothing_tells_nothing) {
  const Graph graph{{source("in")}, {}, {0}};
  BOOST_TEST(!ten_seconds(graph, {nothing_yet(1)}, {nothing_yet(2)})[0].known);
  BOOST_TEST(!ten_seconds(graph, {nothing_yet(1)}, {nothing_yet(1)})[0].known);
  BOOST_TEST(!ten_seconds(graph, {nothing_yet(1)}, {{{did(0, 0, 1)}, {}}})[0].known);  // busy with its first row
  BOOST_TEST(ten_seconds(graph, {nothing_yet(1)}, {{{did(0, 0, 0)}, {}}})[0].known);   // nothing to do
}

BOOST_AUTO_TEST_SUITE_END()
