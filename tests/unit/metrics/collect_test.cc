#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

#include "sample_view.h"
#include "supervisor/metrics/prometheus.h"
#include "supervisor/metrics/tally.h"

using namespace stream;
using namespace stream::metrics;
using namespace stream::metrics::testing;

BOOST_AUTO_TEST_SUITE(collecting)

BOOST_AUTO_TEST_CASE(a_name_stands_once_in_a_scope_of_the_table) {
  std::set<std::pair<Scope, std::string_view>> seen;
  for (const MetricDefinition& definition : metric_table()) {
    BOOST_TEST(!definition.meaning.empty());
    BOOST_TEST(!definition.unit.empty());
    for (const Scope scope : kScopes) {
      if (definition.in(scope)) BOOST_TEST(seen.insert({scope, definition.name}).second, definition.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(instances_are_read_alone_and_as_a_stage) {
  const MetricsSnapshot snapshot = collect(sample_view());
  const MetricGroup* first = find_group(snapshot, Scope::kTask, 1);
  BOOST_TEST(value_of(first, "numRecordsIn") == 600);
  BOOST_TEST(value_of(first, "numRecordsInPerSecond") == 300);
  BOOST_TEST(find_point(first, "numRecordsInPerSecond")->count == 600u);
  BOOST_TEST(value_of(first, "idleTimeMsPerSecond") == 200);
  BOOST_TEST(value_of(first, "backPressuredTimeMsPerSecond") == 300);
  BOOST_TEST(value_of(first, "busyTimeMsPerSecond") == 500);
  BOOST_TEST(value_of(first, "accumulateBusyTimeMs") == 1300);
  const MetricGroup* stage = find_group(snapshot, Scope::kStage, 1);
  BOOST_TEST(value_of(stage, "numRecordsIn") == 1000);
  BOOST_TEST(value_of(stage, "numRecordsInPerSecond") == 500);
  BOOST_TEST(value_of(stage, "busyTimeMsPerSecond") == 500);
  BOOST_TEST(value_of(find_group(snapshot, Scope::kHost), "Status.Flink.Memory.Managed.Used") == 300);
}

BOOST_AUTO_TEST_CASE(instances_of_another_host_are_of_that) {
  MetricsView view = sample_view();
  view.instances[2].host = "10.0.0.2";
  view.instances[2].host_id = "ffff";
  const MetricsSnapshot snapshot = collect(view);
  BOOST_TEST(value_of(find_group(snapshot, Scope::kSupervisor), "numRegisteredTaskManagers") == 2);
  const MetricGroup* other = find_group(snapshot, Scope::kHost);
  BOOST_TEST((other->variables == std::vector<Variable>{{"host", "10.0.0.2"}, {"tm_id", "ffff"}}));
  BOOST_TEST(value_of(other, "Status.Flink.Memory.Managed.Used") == 100);
  BOOST_TEST(value_of(find_group(snapshot, Scope::kHost, 1), "Status.Flink.Memory.Managed.Used") == 200);
  BOOST_TEST(find_group(snapshot, Scope::kTask, 1)->variables[0].second == "ada.example");
  BOOST_TEST(find_group(snapshot, Scope::kTask, 2)->variables[1].second == "ffff");
  BOOST_TEST(find_group(snapshot, Scope::kOperator, 2)->components[0] == "10.0.0.2");
}

BOOST_AUTO_TEST_CASE(sources_and_sinks_have_numbers_of_their_own) {
  MetricsView view = sample_view();
  view.instances[0].stats.source_idle_us = 1'500'000;
  view.instances[0].stats.emit_lag_us = 250'000;
  view.instances[1].stats.bad_records = 3;
  const MetricsSnapshot snapshot = collect(view);
  const MetricGroup* source = find_group(snapshot, Scope::kOperator, 0);
  BOOST_TEST(value_of(source, "sourceIdleTime") == 1500);
  BOOST_TEST(value_of(source, "currentEmitEventTimeLag") == 250);
  BOOST_TEST((find_point(source, "numRecordsSend") == nullptr));
  const MetricGroup* sink = find_group(snapshot, Scope::kStage, 1);
  BOOST_TEST(value_of(sink, "numRecordsSend") == 997);
  BOOST_TEST(value_of(sink, "numRecordsSendErrors") == 3);
  BOOST_TEST((find_point(sink, "sourceIdleTime") == nullptr));
  view.instances[0].stats = {};
  const MetricsSnapshot silent = collect(view);
  BOOST_TEST((find_point(find_group(silent, Scope::kOperator, 0), "sourceIdleTime") == nullptr));
  BOOST_TEST((find_point(find_group(silent, Scope::kOperator, 0), "currentEmitEventTimeLag") == nullptr));
}

BOOST_AUTO_TEST_CASE(event_time_is_told_where_there_is_one) {
  const MetricsSnapshot snapshot = collect(sample_view());
  const MetricGroup* source = find_group(snapshot, Scope::kOperator, 0);
  BOOST_TEST(value_of(source, "currentOutputWatermark") == 1'699'999'999'000);
  BOOST_TEST(value_of(source, "watermarkLag") == 1000);
  BOOST_TEST((find_point(source, "currentInputWatermark") == nullptr));
  BOOST_TEST((find_point(find_group(snapshot, Scope::kOperator, 1), "currentInputWatermark") == nullptr));
}

BOOST_AUTO_TEST_CASE(what_users_count_is_of_the_operator_and_takes_no_name_that_is_taken) {
  MetricsView view = sample_view();
  view.instances[1].stats.user_counters["numRecordsIn"] = 1;
  const MetricsSnapshot snapshot = collect(view);
  const MetricGroup* group = find_group(snapshot, Scope::kOperator, 1);
  BOOST_TEST(value_of(group, "hits") == 7);
  BOOST_TEST((find_point(group, "hits")->kind == Kind::kCounter));
  BOOST_TEST(value_of(group, "queue depth") == -1.5);
  BOOST_TEST((find_point(group, "orders")->kind == Kind::kMeter));
  BOOST_TEST(find_point(group, "orders")->count == 30u);
  BOOST_TEST(value_of(group, "orders") == 20);
  BOOST_TEST((find_point(group, "took")->kind == Kind::kHistogram));
  BOOST_TEST(find_point(group, "took")->histogram.max == 9);
  BOOST_TEST(value_of(group, "numRecordsIn") == 600);
  BOOST_TEST((find_point(find_group(snapshot, Scope::kTask, 1), "hits") == nullptr));
}

BOOST_AUTO_TEST_CASE(what_has_not_reported_yet_is_not_there) {
  MetricsView view = sample_view();
  for (InstanceView& one : view.instances) one.running = false;
  view.totals.last.reset();
  const MetricsSnapshot snapshot = collect(view);
  BOOST_TEST((find_group(snapshot, Scope::kTask) == nullptr));
  BOOST_TEST((find_group(snapshot, Scope::kHost) == nullptr));
  const MetricGroup* job = find_group(snapshot, Scope::kJob);
  BOOST_TEST((find_point(job, "lastCheckpointDuration") == nullptr));
  BOOST_TEST(value_of(job, "numberOfCompletedCheckpoints") == 3);
}

// What callgrind is run on, to see what reports of a large job cost.
BOOST_AUTO_TEST_CASE(two_hundred_instances) {
  MetricsView view = sample_view();
  for (std::uint32_t i = 2; i < 199; ++i) view.instances.push_back(instance(1, i, 1000 * i, 0));
  const MetricsView copy = view;  // all that the supervisor's own thread does
  const std::string text = prometheus_text(collect(copy));
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') > 200 * 30);
}

BOOST_AUTO_TEST_CASE(a_tally_counts_checkpoints_and_loses_none) {
  JobTally tally;
  tally.observe(Activity::kInitializing, 0, 100);
  tally.observe(Activity::kRunning, 50, 150);
  tally.on_triggered();
  BOOST_TEST(tally.totals(60).in_progress);
  tally.on_completed({7, 1000, 3000, 10, 20, 5, 6});
  tally.on_triggered();
  tally.on_failed(8, 4000, 5000, "too slow");
  tally.on_triggered();
  tally.observe(Activity::kRestarting, 150, 250);
  tally.observe(Activity::kInitializing, 160, 260);  // of the next attempt: part of the recovery
  tally.observe(Activity::kRunning, 180, 280);
  const JobTotals totals = tally.totals(200);
  BOOST_TEST(totals.triggered == 3u);
  BOOST_TEST(totals.completed == 1u);
  BOOST_TEST(totals.failed == 2u);
  BOOST_TEST(!totals.in_progress);
  BOOST_TEST(totals.last->id == 7u);
  BOOST_TEST(totals.duration_ms.max == 2.0);
  BOOST_TEST(totals.total_us[0] == 50);
  BOOST_TEST(totals.total_us[1] == 120);
  BOOST_TEST(totals.total_us[2] == 30);
  BOOST_TEST(totals.activity_us == 20);
  BOOST_TEST_REQUIRE(totals.spans.size() == 3u);
  BOOST_TEST(totals.spans[1].failed);
  BOOST_TEST(totals.spans[2].name == "Recovery");
  BOOST_TEST(totals.spans[2].to_us - totals.spans[2].from_us == 30);
}

BOOST_AUTO_TEST_CASE(a_histogram_is_of_the_newest_values) {
  RecentValues values;
  BOOST_TEST(values.value().count == 0u);
  for (int i = 1; i <= 1000; ++i) values.add(i);
  const HistogramValue value = values.value();
  BOOST_TEST(value.count == 1000u);
  BOOST_TEST(value.min == 873);
  BOOST_TEST(value.max == 1000);
  BOOST_TEST(value.quantiles[0] == 936);
  BOOST_TEST(value.quantiles[5] == 1000);
  BOOST_TEST(value.mean == 936.5);
}

BOOST_AUTO_TEST_CASE(latency_is_told_of_whom_marks_have_come_to) {
  MetricsView view = sample_view();
  BOOST_TEST((find_group(collect(view), Scope::kLatency) == nullptr));
  RecentValues latency;
  for (int i = 1; i <= 100; ++i) latency.add(i);
  view.instances[2].latency_ms = latency.value();
  const MetricsSnapshot snapshot = collect(view);
  const MetricGroup* group = find_group(snapshot, Scope::kLatency);
  BOOST_TEST_REQUIRE((group != nullptr));
  BOOST_TEST((find_group(snapshot, Scope::kLatency, 1) == nullptr));
  const MetricPoint* point = find_point(group, "latency");
  BOOST_TEST_REQUIRE((point != nullptr));
  BOOST_TEST(point->histogram.quantiles[0] == 50);
  BOOST_TEST(point->histogram.quantiles[4] == 99);
  BOOST_TEST(point->histogram.max == 100);
  BOOST_TEST(group->variables.back().first == "operator_subtask_index");
  BOOST_TEST(group->variables.back().second == "1");
}

BOOST_AUTO_TEST_SUITE_END()
