#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "supervisor/history_store.h"
#include "tests/support/temp_dir.h"
#include "transport/base/clock.h"

using namespace stream;

namespace {

const HistoryColumn kRestarts{"numRestarts"};
const HistoryColumn kStage{"numRecordsInPerSecond", "totals"};
const HistoryColumn kInstance{"numRecordsInPerSecond", "totals", 1};
const HistoryColumn kQueue{"Shuffle.Netty.Output.Buffers.outputQueueSize", "totals", 1};

HistoryPoint second(std::int64_t at_ms, float value) {
  return {.at_ms = at_ms,
          .columns = {kRestarts, kStage, kInstance, kQueue},
          .values = {value, value * 10, value * 100, value * 1000}};
}

struct Folder : TempDir {
  std::string file() const { return path() + "/metrics.sqlite"; }
};

std::vector<HistorySeries> read(HistoryStore& store, HistoryWish wish) {
  auto series = store.read(wish);
  BOOST_REQUIRE(series.ok());
  return *std::move(series);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(history)

BOOST_AUTO_TEST_CASE(latency_is_kept_of_instances_and_of_the_slowest) {
  metrics::MetricsSnapshot snapshot;
  for (const char* index : {"0", "1"}) {
    snapshot.groups.push_back({.scope = metrics::Scope::kTask,
                               .variables = {{"task_id", "t"}, {"task_name", "totals"}, {"subtask_index", index}},
                               .components = {},
                               .points = {}});
    metrics::MetricPoint point{.name = "latency", .kind = metrics::Kind::kHistogram};
    point.histogram.quantiles[4] = *index == '0' ? 7 : 9;
    snapshot.groups.push_back({.scope = metrics::Scope::kLatency,
                               .variables = {{"operator_id", "t"}, {"operator_subtask_index", index}},
                               .components = {},
                               .points = {point}});
  }
  HistoryColumns columns;
  const HistoryPoint found = columns.point_of(snapshot);
  const auto value_of = [&](const HistoryColumn& column) {
    const auto at = std::ranges::find(found.columns, column);
    return at == found.columns.end() ? -1.0F : found.values[static_cast<std::size_t>(at - found.columns.begin())];
  };
  BOOST_TEST(value_of({"latency_p99", "totals"}) == 9.0F);
  BOOST_TEST(value_of({"latency_p99", "totals", 0}) == 7.0F);
  BOOST_TEST(value_of({"latency_median", "totals", 1}) == 0.0F);
  BOOST_TEST(is_common("latency_p99"));
}

BOOST_AUTO_TEST_CASE(points_of_a_step_become_their_mean) {
  HistorySteps steps;
  for (int i = 0; i < 20; ++i) steps.add(second(1'000'000 + i * 1000, static_cast<float>(i)));
  std::vector<HistoryPoint> tens;
  std::size_t seconds = 0;
  for (HistoryPoint& point : steps.take(false)) {
    if (point.level == 0) ++seconds;
    if (point.level == 1) tens.push_back(std::move(point));
  }
  BOOST_TEST(seconds == 19U);  // the last is not over
  BOOST_REQUIRE(tens.size() == 1U);
  BOOST_TEST(tens[0].at_ms == 1'000'000);
  BOOST_TEST(tens[0].samples == 10);
  BOOST_TEST(tens[0].columns.size() == 3U);  // of an instance not everything
  BOOST_TEST(tens[0].values[0] == 4.5F);
  BOOST_TEST(tens[0].values[2] == 450.F);
  std::vector<std::size_t> levels;
  for (const HistoryPoint& point : steps.take(true)) levels.push_back(point.level);
  const std::vector<std::size_t> rest = {0, 1, 2};
  BOOST_TEST(levels == rest, boost::test_tools::per_element());
  BOOST_TEST(steps.take(true).empty());
}

BOOST_AUTO_TEST_CASE(no_number_is_part_of_no_mean) {
  HistoryPoint point = second(0, NAN);
  merge(point, second(0, 4));
  BOOST_TEST(point.values[0] == 4.F);
  merge(point, second(0, NAN));
  BOOST_TEST(point.values[0] == 4.F);
}

BOOST_AUTO_TEST_CASE(of_instances_nothing_is_kept_for_a_year) {
  BOOST_TEST(is_kept(2, kStage));
  BOOST_TEST(!is_kept(2, kInstance));
  BOOST_TEST(is_kept(1, kInstance));
  BOOST_TEST(!is_kept(1, kQueue));
  BOOST_TEST(is_kept(0, kQueue));
}

BOOST_AUTO_TEST_CASE(the_coarsest_that_is_fine_enough_is_read) {
  constexpr std::int64_t kNow = 1'000'000'000'000;
  BOOST_TEST(level_for(kNow - 300'000, kNow, 300, kNow) == 0U);
  BOOST_TEST(level_for(kNow - 800'000, kNow, 80, kNow) == 1U);
  BOOST_TEST(level_for(kNow - 1'000'000, kNow, 1000, kNow) == 1U);  // seconds do not reach back so far
  BOOST_TEST(level_for(kNow - 80'000'000, kNow, 100, kNow) == 2U);
  BOOST_TEST(level_for(kNow - 90'000'000, kNow, 10'000, kNow) == 2U);
  BOOST_TEST(level_for(0, kNow, 10, kNow) == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  const Folder folder;
  BOOST_TEST((HistoryStore::look(folder.file()).status().code() == Code::kNotFound));
  const std::int64_t now = system_clock().wall_us() / 1'000'000 * 1000;
  const std::int64_t begin = now - 100'000;
  {
    auto store = HistoryStore::open(folder.file());
    BOOST_REQUIRE(store.ok());
    HistorySteps steps;
    for (int i = 0; i < 100; ++i) {
      steps.add(second(begin + i * 1000, static_cast<float>(i)));
      if (i % 10 == 9) BOOST_TEST((*store)->write(steps.take(i == 99), now).ok());
    }
  }
  auto store = HistoryStore::look(folder.file());
  BOOST_REQUIRE(store.ok());
  BOOST_TEST((*store)->columns()->size() == 4U);
  const auto both =
      read(**store, {.metrics = {"numRestarts", "numRecordsInPerSecond"}, .from_ms = begin, .to_ms = now});
  BOOST_REQUIRE(both.size() == 2U);  // the job and the stage
  BOOST_TEST((both[1].column == kRestarts));
  BOOST_TEST(both[1].points.size() == 100U);
  BOOST_TEST(both[1].points[42].first == begin + 42'000);
  BOOST_TEST(both[1].points[42].second == 42.0);
  const auto few = read(**store, {.metrics = {"numRestarts"}, .from_ms = begin, .to_ms = now, .points = 5});
  BOOST_REQUIRE(few.size() == 1U);
  BOOST_TEST(few[0].points.size() <= 6U);
  const auto one =
      read(**store,
           {.metrics = {"numRecordsInPerSecond"}, .vertex = "totals", .subtask = 1, .from_ms = begin, .to_ms = now});
  BOOST_REQUIRE(one.size() == 1U);
  BOOST_TEST(one[0].points[7].second == 700.0);
  BOOST_TEST(
      read(**store, {.metrics = {"numRecordsInPerSecond"}, .vertex = "x", .from_ms = begin, .to_ms = now}).empty());
}

BOOST_AUTO_TEST_CASE(a_step_that_two_supervisors_saw_is_the_mean_of_both) {
  const Folder folder;
  const std::int64_t now = system_clock().wall_us() / 300'000'000 * 300'000;  // a step of all levels begins
  for (int run = 0; run < 2; ++run) {
    auto store = HistoryStore::open(folder.file());
    BOOST_REQUIRE(store.ok());
    HistorySteps steps;
    steps.add(second(now + run * 1000, static_cast<float>(run * 10)));
    BOOST_TEST((*store)->write(steps.take(true), now).ok());
  }
  auto store = HistoryStore::look(folder.file());
  const auto series =
      read(**store, {.metrics = {"numRestarts"}, .from_ms = now - 80'000'000, .to_ms = now + 10'000, .points = 10});
  BOOST_REQUIRE(series.size() == 1U);
  BOOST_REQUIRE(series[0].points.size() == 1U);
  BOOST_TEST(series[0].points[0].second == 5.0);
}

BOOST_AUTO_TEST_CASE(the_file_does_not_grow_without_end) {
  const Folder folder;
  auto store = HistoryStore::open(folder.file());
  BOOST_REQUIRE(store.ok());
  const std::int64_t now = system_clock().wall_us() / 1'000'000 * 1000;
  HistorySteps steps;
  for (std::int64_t i = 0; i < 5000; ++i) {
    steps.add(second(now - 5'000'000 + i * 1000, 1));
    if (i % 100 == 99) BOOST_TEST((*store)->write(steps.take(false), now - 5'000'000 + i * 1000).ok());
  }
  const auto series =
      read(**store, {.metrics = {"numRestarts"}, .from_ms = now - 700'000, .to_ms = now + 1, .points = 900});
  BOOST_REQUIRE(series.size() == 1U);
  BOOST_TEST(series[0].points.size() <= 701U);
  BOOST_TEST(series[0].points.size() >= 690U);
  BOOST_TEST(std::filesystem::file_size(folder.file()) < 400'000U);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_begun_anew) {
  const Folder folder;
  std::ofstream(folder.file()) << std::string(10'000, 'x');
  auto store = HistoryStore::open(folder.file());
  BOOST_REQUIRE(store.ok());
  BOOST_TEST((*store)->write({second(1'000, 1)}, 2'000).ok());
  BOOST_TEST((*store)->columns()->size() == 4U);
}

BOOST_AUTO_TEST_CASE(layouts_that_no_point_has_go) {
  const Folder folder;
  auto store = HistoryStore::open(folder.file());
  BOOST_REQUIRE(store.ok());
  for (int i = 0; i < 50; ++i) {
    HistoryPoint point{.at_ms = i * 1'000'000, .columns = {{"user" + std::to_string(i)}}, .values = {1}};
    BOOST_TEST((*store)->write({point}, i * 1'000'000).ok());
  }
  BOOST_TEST((*store)->columns()->size() <= 2U);
}

BOOST_AUTO_TEST_CASE(columns_stay_while_the_instances_do) {
  using namespace stream::metrics;
  const auto snapshot = [](std::int64_t at_us, int instances, std::vector<std::string> users) {
    MetricsSnapshot out{.at_us = at_us, .host = "", .job = "", .groups = {}, .spans = {}, .events = {}};
    out.groups.push_back({Scope::kJob, {}, {}, {{.name = "numRestarts", .value = 3}, {.name = "uptime", .value = 9}}});
    for (int i = 0; i < instances; ++i) {
      const std::vector<Variable> variables = {{"task_name", "totals"}, {"subtask_index", std::to_string(i)}};
      out.groups.push_back({Scope::kTask, variables, {}, {{.name = "stateSize", .value = 7.0 + i}}});
      MetricGroup own{Scope::kOperator, variables, {}, {}};
      for (const std::string& user : users) own.points.push_back({.name = user, .value = 1});
      out.groups.push_back(std::move(own));
    }
    return out;
  };
  HistoryColumns columns;
  const HistoryPoint first = columns.point_of(snapshot(5'000'000, 2, {"seen"}));
  BOOST_TEST(first.at_ms == 5000);
  const std::vector<HistoryColumn> wanted = {{"numRestarts"},
                                             {"stateSize", "totals", 0},
                                             {"seen", "totals", 0},
                                             {"stateSize", "totals", 1},
                                             {"seen", "totals", 1}};
  BOOST_TEST((first.columns == wanted));
  const HistoryPoint without = columns.point_of(snapshot(6'000'000, 0, {}));  // it restarts
  BOOST_TEST((without.columns == wanted));
  BOOST_TEST(std::isnan(without.values[1]));
  BOOST_TEST((columns.point_of(snapshot(7'000'000, 1, {})).columns.size() == 2U));
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("user" + std::to_string(i));
  BOOST_TEST(columns.point_of(snapshot(8'000'000, 1, many)).columns.size() <= 2 + HistoryColumns::kUserNames);
}

BOOST_AUTO_TEST_SUITE_END()
