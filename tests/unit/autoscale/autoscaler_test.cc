#include "supervisor/autoscale/autoscaler.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

using namespace stream;
using namespace stream::autoscale;

namespace {

constexpr Microseconds kSecond = 1'000'000;

// A source whose rows a stage works through: so many a second come, and an instance takes so many.
struct Plant {
  double comes = 100;
  double takes = 100;  // an instance, a second
  double noise = 0;    // share by which both differ, from second to second
  double scaling = 1;  // how much of an instance's work another one adds
  double backlog = 0;
  std::uint32_t least = 1;
  std::uint32_t most = 8;
  std::uint32_t key_groups = 0;
  std::uint32_t parallelism = 1;
  bool tells_backlog = true;

  std::mt19937_64 random{1};
  std::vector<InstanceCount> source = std::vector<InstanceCount>(1);
  std::vector<InstanceCount> work = std::vector<InstanceCount>(1);

  Graph graph() const {
    return {{{.name = "in", .source = true},
             {.name = "work", .parallelism = parallelism, .least = least, .most = most, .key_groups = key_groups}},
            {{0, 1}},
            {0, 1}};
  }

  double off() { return 1 + noise * std::uniform_real_distribution<double>(-1, 1)(random); }

  void second() {
    const double capacity = takes * off() * (1 + scaling * (parallelism - 1));
    const double due = backlog + comes * off();
    const double done = std::min(due, capacity);
    backlog = due - done;
    const double busy = std::min(1.0, done / capacity);
    add(source[0], done, 0.05, busy);
    for (InstanceCount& instance : work) add(instance, done / parallelism, busy, 0);
  }

  static void add(InstanceCount& to, double rows, double busy, double held_back) {
    to.records_in += static_cast<std::uint64_t>(rows);
    to.records_out += static_cast<std::uint64_t>(rows);
    to.total_us += kSecond;
    const double waits = std::max(0.0, 1 - busy - held_back);
    to.idle_us += static_cast<Microseconds>(waits * 1e6);
    to.backpressured_us += static_cast<Microseconds>(std::min(held_back, 1 - busy) * 1e6);
  }

  void rescale(std::uint32_t to) {
    parallelism = to;
    work.assign(to, {});
  }

  Sample sample(Microseconds now) const {
    return {now, {{source, tells_backlog ? std::optional(backlog) : std::nullopt}, {work, {}}}};
  }
};

struct Run {
  Plant plant;
  Autoscaler scaler;
  Microseconds now = 0;
  std::vector<std::uint32_t> numbers = {};  // after each change
  StageDecision last = {};

  explicit Run(Plant begin, Settings settings = {}) : plant(std::move(begin)), scaler(std::move(settings)) {
    scaler.settle(0);
  }

  void seconds(int count) {
    for (int i = 0; i < count; ++i) {
      now += kSecond;
      plant.second();
      scaler.observe(plant.sample(now));
      last = scaler.decide(plant.graph(), now, now).front();
      if (last.target == last.current) continue;
      scaler.acted(last, now);
      plant.rescale(last.target);
      numbers.push_back(last.target);
      scaler.settle(now);
    }
  }
};

StageFacts keyed(std::uint32_t groups, std::uint32_t parallelism, std::uint32_t most = 1024) {
  return {.name = "s", .parallelism = parallelism, .least = 1, .most = most, .key_groups = groups};
}

Settings unlimited() {
  Settings settings;
  settings.scale_up_max_factor = 1000;
  settings.scale_down_max_factor = 1;
  return settings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(autoscaler)

BOOST_AUTO_TEST_CASE(nothing_happens_before_a_whole_window_behind_the_begin) {
  Run run(Plant{.comes = 300});
  run.seconds(39);  // 10 to settle, 30 to look
  BOOST_TEST(run.numbers.empty());
  BOOST_TEST((run.last.verdict == Verdict::kSettling));
  run.seconds(2);
  BOOST_TEST_REQUIRE(run.numbers.size() == 1u);
  BOOST_TEST(run.numbers[0] == 4u);  // the factor allows no more at once
  BOOST_TEST((run.last.verdict == Verdict::kUp || run.last.verdict == Verdict::kSettling));
}

BOOST_AUTO_TEST_CASE(a_steady_load_within_the_band_changes_nothing) {
  Run run(Plant{.comes = 70, .noise = 0.2});
  run.seconds(3600);
  BOOST_TEST(run.numbers.empty());
  BOOST_TEST((run.last.verdict == Verdict::kWithin));
  BOOST_TEST(run.last.load.busy == 0.7, boost::test_tools::tolerance(0.1));
}

BOOST_AUTO_TEST_CASE(as_many_as_keep_the_target_utilization_and_no_more_steps_than_that) {
  for (const double comes : {150.0, 250.0, 320.0, 500.0}) {
    Run run(Plant{.comes = comes, .noise = 0.1});
    run.seconds(1800);
    BOOST_TEST_CONTEXT(comes << " a second") {
      // At the target, and to catch up with what has piled up; what is too many then goes when that is done.
      BOOST_TEST(run.plant.parallelism * 100 * 0.99 >= comes);
      BOOST_TEST(run.plant.parallelism <= std::ceil(comes / 70) + 1);
      BOOST_TEST(run.plant.backlog < 3 * comes);
      BOOST_TEST(run.numbers.size() <= 4u);
    }
  }
}

BOOST_AUTO_TEST_CASE(with_noise_it_does_not_swing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plant plant{.comes = 260, .noise = 0.4};
    plant.random.seed(seed);
    Run run(plant);
    run.seconds(600);
    const std::size_t settled = run.numbers.size();
    run.seconds(4 * 3600);
    BOOST_TEST_CONTEXT("seed " << seed) { BOOST_TEST(run.numbers.size() - settled <= 1u); }
  }
}

BOOST_AUTO_TEST_CASE(a_spike_is_followed_and_comes_down_when_it_is_over) {
  Run run(Plant{.comes = 60, .noise = 0.05});
  run.seconds(300);
  BOOST_TEST(run.plant.parallelism == 1u);
  run.plant.comes = 400;
  run.seconds(200);
  BOOST_TEST(run.plant.parallelism >= 5u);
  run.plant.comes = 60;
  run.seconds(120);
  const std::size_t up = run.numbers.size();
  BOOST_TEST(run.plant.parallelism >= 5u);  // the time of grace
  run.seconds(1800);
  BOOST_TEST(run.plant.parallelism <= 2u);
  BOOST_TEST(run.numbers.size() - up <= 3u);
}

BOOST_AUTO_TEST_CASE(none_is_taken_away_in_the_time_of_grace_nor_before_fewer_were_enough_for_long) {
  Run run(Plant{.comes = 10, .parallelism = 4, .work = std::vector<InstanceCount>(4)});
  run.seconds(41 + 58);
  BOOST_TEST((run.last.verdict == Verdict::kWaiting));
  BOOST_TEST(run.last.wanted == 2u);  // at most 60% at once
  run.seconds(5);
  BOOST_TEST_REQUIRE(run.numbers.size() == 1u);
  BOOST_TEST(run.numbers[0] == 2u);

  Settings settings;
  Autoscaler graced(settings, {{"work", {0, 1, 4, 100, 400}}});
  Plant plant{.comes = 10, .parallelism = 4, .work = std::vector<InstanceCount>(4)};
  graced.settle(0);
  Verdict verdict = Verdict::kSettling;
  for (Microseconds now = kSecond; now < 299 * kSecond; now += kSecond) {
    plant.second();
    graced.observe(plant.sample(now));
    verdict = graced.decide(plant.graph(), now, now).front().verdict;
  }
  BOOST_TEST((verdict == Verdict::kGrace));
}

BOOST_AUTO_TEST_CASE(as_many_stay_as_were_right_at_any_time_of_the_interval) {
  Settings settings = unlimited();
  settings.metrics_window = 5 * kSecond;
  settings.stabilization_interval = 0;
  Run run(Plant{.comes = 200, .parallelism = 6, .work = std::vector<InstanceCount>(6)}, settings);
  run.seconds(30);
  BOOST_TEST(run.last.wanted == 3u);
  run.plant.comes = 20;
  run.seconds(20);
  BOOST_TEST(run.last.wanted == 1u);
  BOOST_TEST(run.numbers.empty());
  run.seconds(20);
  BOOST_TEST_REQUIRE(run.numbers.size() == 1u);
  BOOST_TEST(run.numbers[0] == 3u);
}

BOOST_AUTO_TEST_CASE(a_backlog_is_worked_off_in_time) {
  Settings settings;
  settings.catch_up_duration = 100 * kSecond;
  Run run(Plant{.comes = 50, .backlog = 30'000}, settings);
  run.seconds(60);
  BOOST_TEST(run.plant.parallelism == 4u);
  run.seconds(240);
  BOOST_TEST(run.plant.backlog < 100);
}

BOOST_AUTO_TEST_CASE(a_source_that_cannot_tell_what_waits_is_helped_as_well) {
  Run run(Plant{.comes = 350, .tells_backlog = false});
  run.seconds(600);
  BOOST_TEST(run.plant.parallelism >= 4u);
}

BOOST_AUTO_TEST_CASE(bounds_hold) {
  Run much(Plant{.comes = 5000, .most = 3});
  much.seconds(600);
  BOOST_TEST(much.plant.parallelism == 3u);
  BOOST_TEST((much.last.verdict == Verdict::kBounded));
  Run little(Plant{.comes = 1, .least = 2, .parallelism = 2, .work = std::vector<InstanceCount>(2)});
  little.seconds(1800);
  BOOST_TEST(little.plant.parallelism == 2u);
  BOOST_TEST(little.numbers.empty());
}

BOOST_AUTO_TEST_CASE(instances_that_do_not_help_are_not_followed_by_more) {
  Run run(Plant{.comes = 1000, .scaling = 0});
  run.seconds(3600);
  BOOST_TEST_REQUIRE(run.numbers.size() == 1u);
  BOOST_TEST((run.last.verdict == Verdict::kIneffective));
  Settings settings;
  settings.effectiveness_threshold = 0;
  Run blind(Plant{.comes = 1000, .scaling = 0}, settings);
  blind.seconds(600);
  BOOST_TEST(blind.plant.parallelism == 8u);
}

BOOST_AUTO_TEST_CASE(what_was_tried_is_known_behind_a_restart) {
  Run run(Plant{.comes = 1000, .scaling = 0});
  run.seconds(60);
  BOOST_TEST_REQUIRE(run.numbers.size() == 1u);
  Run again(run.plant);
  again.scaler = Autoscaler(Settings(), run.scaler.changes());
  again.scaler.settle(0);
  again.plant.work.assign(again.plant.parallelism, {});
  again.seconds(600);
  BOOST_TEST(again.numbers.empty());
  BOOST_TEST((again.last.verdict == Verdict::kIneffective));
  again.scaler.undone("work");
  again.seconds(1);
  BOOST_TEST(again.numbers.size() == 1u);
}

BOOST_AUTO_TEST_CASE(in_an_excluded_period_it_only_says_what_would_be_right) {
  Settings settings;
  settings.excluded_periods = {*parse_period("00:00-00:10")};
  Run run(Plant{.comes = 300}, settings);
  run.seconds(599);
  BOOST_TEST(run.numbers.empty());
  BOOST_TEST((run.last.verdict == Verdict::kExcluded));
  BOOST_TEST(run.last.wanted == 4u);
  run.seconds(1);
  BOOST_TEST(run.numbers.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stage_that_does_nothing_needs_the_least) {
  Run run(Plant{.comes = 0, .parallelism = 8, .work = std::vector<InstanceCount>(8)});
  run.seconds(1800);
  BOOST_TEST(run.plant.parallelism == 1u);
}

BOOST_AUTO_TEST_CASE(key_groups_are_divided_as_well_as_can_be) {
  const Settings settings = unlimited();
  // 16 groups: 9 to 15 instances do no more than 8, as one of them has two groups.
  BOOST_TEST(parallelism_for(keyed(16, 1), 8, settings) == 8u);
  BOOST_TEST(parallelism_for(keyed(16, 1), 9, settings) == 16u);
  BOOST_TEST(parallelism_for(keyed(16, 1, 12), 9, settings) == 8u);
  BOOST_TEST(parallelism_for(keyed(16, 1), 100, settings) == 16u);  // never more than there are groups
  BOOST_TEST(parallelism_for(keyed(1024, 4), 1.2, settings) == 5u);
  BOOST_TEST(parallelism_for(keyed(7, 3), 1.0, settings) == 3u);
  BOOST_TEST(parallelism_for(keyed(1, 1), 5, settings) == 1u);
  BOOST_TEST(parallelism_for(keyed(0, 3), 1.01, settings) == 4u);
  BOOST_TEST(parallelism_for(keyed(0, 3), 0, settings) == 1u);
}

BOOST_AUTO_TEST_CASE(steps_are_limited) {
  Settings settings;
  settings.scale_up_max_factor = 1;
  settings.scale_down_max_factor = 0.5;
  BOOST_TEST(parallelism_for(keyed(0, 4), 100, settings) == 8u);
  BOOST_TEST(parallelism_for(keyed(0, 8), 0.01, settings) == 4u);
}

BOOST_AUTO_TEST_CASE(a_fixed_stage_is_not_spoken_of) {
  Autoscaler scaler((Settings()));
  const Graph graph{{{.name = "in", .source = true}}, {}, {0}};
  BOOST_TEST(scaler.decide(graph, 0, 0).empty());
}

BOOST_AUTO_TEST_CASE(a_decision_says_its_numbers) {
  Run run(Plant{.comes = 300});
  run.seconds(39);
  const std::string settling = to_text(run.last);
  BOOST_TEST(settling == "work 1: numbers are being gathered");
  StageDecision up;
  for (int i = 0; i < 5 && up.target == up.current; ++i) {
    run.now += kSecond;
    run.plant.second();
    run.scaler.observe(run.plant.sample(run.now));
    up = run.scaler.decide(run.plant.graph(), run.now, run.now).front();
  }
  const std::string text = to_text(up);
  BOOST_TEST(text.starts_with("work 1 -> 4: more are needed; busy 100%, takes 100/s of at most 100/s, should take "),
             text);
  BOOST_TEST(text.find("(300/s come in, ") != std::string::npos, text);
  BOOST_TEST(text.ends_with("/s to catch up)"), text);
}

BOOST_AUTO_TEST_SUITE_END()
