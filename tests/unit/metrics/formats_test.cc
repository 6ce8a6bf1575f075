#include "supervisor/metrics/formats.h"

#include <boost/test/unit_test.hpp>

#include "sample_view.h"
#include "supervisor/metrics/filter.h"
#include "supervisor/metrics/numbers.h"
#include "supervisor/metrics/pace.h"
#include "supervisor/metrics/prometheus.h"

using namespace stream;
using namespace stream::metrics;
using namespace stream::metrics::testing;

namespace {

bool holds(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

bool holds(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

const std::string kTask =
    R"({host="ada.example",tm_id="00112233445566778899aabbccddeeff",job_id="0123456789abcdef0123456789abcdef",)"
    R"(job_name="visits",task_id="bb",task_name="totals",task_attempt_num="2",subtask_index="0")";

}  // namespace

BOOST_AUTO_TEST_SUITE(formats)

BOOST_AUTO_TEST_CASE(numbers_are_short_and_exact) {
  BOOST_TEST(number_text(0) == "0");
  BOOST_TEST(number_text(-3) == "-3");
  BOOST_TEST(number_text(1700000000000) == "1700000000000");
  BOOST_TEST(number_text(0.1) == "0.1");
  BOOST_TEST(number_text(1e300) == "1e+300");
  BOOST_TEST(number_text(0.0 / 0.0) == "NaN");
  BOOST_TEST(number_text(-1.0 / 0.0) == "-Inf");
}

BOOST_AUTO_TEST_CASE(prometheus) {
  const std::string text = prometheus_text(collect(sample_view()));
  BOOST_TEST(holds(text, "# TYPE flink_taskmanager_job_task_numRecordsIn counter"));
  BOOST_TEST(holds(text, "flink_taskmanager_job_task_numRecordsIn" + kTask + "} 600"));
  BOOST_TEST(holds(
      text, "flink_taskmanager_job_task_operator_hits" + kTask + R"(,operator_id="bb",operator_name="totals"} 7)"));
  BOOST_TEST(holds(text, "flink_taskmanager_job_task_operator_queue_depth" + kTask +
                             R"(,operator_id="bb",operator_name="totals"} -1.5)"));
  const std::string job = R"({host="ada.example",job_id="0123456789abcdef0123456789abcdef",job_name="visits")";
  BOOST_TEST(holds(text, "# TYPE flink_jobmanager_job_checkpointDuration summary"));
  BOOST_TEST(holds(text, "flink_jobmanager_job_checkpointDuration" + job + R"(,quantile="0.5"} 20)"));
  BOOST_TEST(holds(text, "flink_jobmanager_job_checkpointDuration_count" + job + "} 3"));
  BOOST_TEST(holds(text, "flink_jobmanager_job_lastCheckpointDuration" + job + "} 20"));
  BOOST_TEST(holds(text, R"(flink_jobmanager_reporter_numReportsFailed{host="ada.example",reporter="prometheus"} 1)"));
}

// A scrape with a series twice would be refused as a whole.
BOOST_AUTO_TEST_CASE(prometheus_gets_no_series_twice) {
  MetricsView view = sample_view();
  view.instances[1].stats.user_counters = {{"a b", 1}, {"a-b", 2}};
  view.stages[1].name = "to\"t\\als\n";
  const std::string text = prometheus_text(collect(view));
  const std::size_t first = text.find("\nflink_taskmanager_job_task_operator_a_b{");
  BOOST_TEST((first != std::string::npos));
  BOOST_TEST((text.find("\nflink_taskmanager_job_task_operator_a_b{", first + 1) == std::string::npos));
  BOOST_TEST((text.find(R"(task_name="to\"t\\als\n")") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_pushgateway_tells_values_from_its_path) {
  BOOST_TEST(push_segment("job", "stream-visits") == "/job/stream-visits");
  BOOST_TEST(push_segment("site", "a/b") == "/site@base64/YS9i");
  BOOST_TEST(push_segment("site", "?") == "/site@base64/Pw");
  BOOST_TEST(push_segment("site", "a?b>") == "/site@base64/YT9iPg");
  BOOST_TEST(push_segment("site", "") == "/site@base64/=");
}

BOOST_AUTO_TEST_CASE(statsd) {
  const auto lines = statsd_lines(collect(sample_view()));
  const std::string task = "ada-example.taskmanager.00112233445566778899aabbccddeeff.visits.totals.0.";
  BOOST_TEST(holds(lines, task + "numRecordsIn:600|g"));
  BOOST_TEST(std::count(lines.begin(), lines.end(), task + "numRecordsIn:600|g") == 1);
  BOOST_TEST(holds(lines, task + "queue-depth:0|g"));
  BOOST_TEST(holds(lines, task + "queue-depth:-1.5|g"));
  BOOST_TEST(holds(lines, "ada-example.jobmanager.visits.checkpointDuration.p50:20|g"));
  for (const std::string& packet : packets_of(lines, 1432)) BOOST_TEST(packet.size() <= 1432u);
}

BOOST_AUTO_TEST_CASE(dogstatsd_counts_what_has_come_since) {
  Deltas deltas;
  MetricsView view = sample_view();
  const std::string tags =
      "|#host:ada.example,tm_id:00112233445566778899aabbccddeeff,job_id:0123456789abcdef0123456789abcdef,"
      "job_name:visits,task_id:bb,task_name:totals,task_attempt_num:2,subtask_index:0";
  BOOST_TEST(holds(dogstatsd_lines(collect(view), deltas), "flink.task.numRecordsIn:600|c" + tags));
  view.instances[1].stats.records_in = 650;
  BOOST_TEST(holds(dogstatsd_lines(collect(view), deltas), "flink.task.numRecordsIn:50|c" + tags));
  view.instances[1].stats.records_in = 20;  // a new start
  const auto lines = dogstatsd_lines(collect(view), deltas);
  BOOST_TEST(holds(lines, "flink.task.numRecordsIn:20|c" + tags));
  BOOST_TEST(holds(lines, "flink.task.busyTimeMsPerSecond:500|g" + tags));
}

BOOST_AUTO_TEST_CASE(graphite) {
  const std::string lines = graphite_lines(collect(sample_view()), "test");
  const std::string task = "test.ada-example.taskmanager.00112233445566778899aabbccddeeff.visits.totals.0.";
  BOOST_TEST(holds(lines, task + "numRecordsIn.count 600 1700000000"));
  BOOST_TEST(holds(lines, task + "numRecordsInPerSecond.m1_rate 300 1700000000"));
  BOOST_TEST(holds(lines, "test.ada-example.jobmanager.visits.uptime 5000 1700000000"));
}

BOOST_AUTO_TEST_CASE(influxdb) {
  MetricsView view = sample_view();
  view.stages[1].name = "a b,c=d\\";
  const std::string lines = influx_lines(collect(view));
  const std::string tags =
      ",host=ada.example,tm_id=00112233445566778899aabbccddeeff,job_id=0123456789abcdef0123456789abcdef,"
      "job_name=visits,task_id=bb,task_name=a\\ b\\,c\\=d_,task_attempt_num=2,subtask_index=0";
  BOOST_TEST(holds(lines, "taskmanager_job_task_numRecordsIn" + tags + " count=600i 1700000000000"));
  BOOST_TEST(holds(lines, "taskmanager_job_task_numRecordsInPerSecond" + tags + " count=600i,rate=300 1700000000000"));
  BOOST_TEST(holds(lines, "taskmanager_job_task_busyTimeMsPerSecond" + tags + " value=500 1700000000000"));
}

BOOST_AUTO_TEST_CASE(a_log_has_a_line_for_each_that_is_measured) {
  const auto lines = log_lines(collect(sample_view()));
  const auto begins = [&](const std::string& begin) {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(begin); });
  };
  BOOST_TEST(begins("metrics of totals.0: numRecordsIn=600 numRecordsInPerSecond=300 "));
  BOOST_TEST(begins("metrics of job visits: "));
}

BOOST_AUTO_TEST_CASE(filters) {
  BOOST_TEST(matches("*", ""));
  BOOST_TEST(matches("a*c*", "abbcd"));
  BOOST_TEST(!matches("a*c", "abcd"));
  const auto filter = Filter::parse({"jobmanager.job:*Checkpoint*", "taskmanager*:*:counter"}, {"*.operator"});
  BOOST_TEST_REQUIRE(filter.ok());
  BOOST_TEST(filter->passes("jobmanager.job", "lastCheckpointSize", "gauge"));
  BOOST_TEST(!filter->passes("jobmanager.job", "uptime", "gauge"));
  BOOST_TEST(filter->passes("taskmanager.job.task", "numRecordsIn", "counter"));
  BOOST_TEST(!filter->passes("taskmanager.job.task.operator", "numRecordsIn", "counter"));
  BOOST_TEST(!filter->passes("taskmanager.job.task", "busyTimeMsPerSecond", "gauge"));
  BOOST_TEST(!Filter::parse({"a:b:number"}, {}).ok());
  BOOST_TEST(!Filter::parse({""}, {}).ok());

  ReporterSpec spec;
  spec.labels = {{"env", "test"}, {"host", "other"}};
  spec.exclude_labels = {"job_id"};
  const MetricsSnapshot left = filtered(collect(sample_view()), *filter, spec);
  BOOST_TEST((find_group(left, Scope::kSupervisor) == nullptr));
  const MetricGroup* job = find_group(left, Scope::kJob);
  BOOST_TEST_REQUIRE((job != nullptr));
  const std::vector<Variable> expected = {{"host", "other"}, {"job_name", "visits"}, {"env", "test"}};
  BOOST_TEST((job->variables == expected));
}

BOOST_AUTO_TEST_CASE(who_fails_is_tried_more_and_more_seldom) {
  Pace pace(1'000'000);
  BOOST_TEST(pace.due(0));
  pace.done(true, 0);
  BOOST_TEST(!pace.due(500'000));
  BOOST_TEST(pace.due(1'000'000));
  pace.done(true, 1'050'000);  // late, which does not put the next off
  BOOST_TEST(pace.due(2'000'000));
  Microseconds now = 2'000'000;
  for (const Microseconds wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    pace.done(false, now);
    BOOST_TEST(pace.failing());
    BOOST_TEST(!pace.due(now + wait * 1'000'000 - 200'000));
    now += wait * 1'000'000;
    BOOST_TEST(pace.due(now));
  }
  pace.done(true, now);
  BOOST_TEST(!pace.failing());
}

BOOST_AUTO_TEST_SUITE_END()
