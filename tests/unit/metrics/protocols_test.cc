#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "sample_view.h"
#include "supervisor/metrics/datadog.h"
#include "supervisor/metrics/ganglia.h"
#include "supervisor/metrics/jolokia.h"
#include "supervisor/metrics/mbeans.h"
#include "supervisor/metrics/otlp.h"

using namespace stream;
using namespace stream::metrics;
using namespace stream::metrics::testing;
using nlohmann::json;

namespace {

const json* named(const json& list, const std::string& key, const std::string& name) {
  for (const json& each : list) {
    if (each.at(key) == name) return &each;
  }
  return nullptr;
}

json ask(const std::string& method, const std::string& path, const std::string& body = "") {
  return json::parse(jolokia_answer(collect(sample_view()), {method, path, {}, body}).body);
}

const std::string kUptime =
    "org.apache.flink.jobmanager.job.uptime:host=ada.example,job_id=0123456789abcdef0123456789abcdef,job_name=visits";

}  // namespace

BOOST_AUTO_TEST_SUITE(protocols)

BOOST_AUTO_TEST_CASE(opentelemetry_gets_metrics) {
  const json request = json::parse(otlp_metrics(collect(sample_view()), {"stream", "1.0"}));
  const json& resource = request.at("resourceMetrics").at(0);
  BOOST_TEST(named(resource.at("resource").at("attributes"), "key", "service.version")->at("value").at("stringValue") ==
             "1.0");
  const json& metrics = resource.at("scopeMetrics").at(0).at("metrics");
  const json& counter = *named(metrics, "name", "flink.taskmanager.job.task.numRecordsIn");
  BOOST_TEST(counter.at("unit") == "records");
  BOOST_TEST(counter.at("sum").at("aggregationTemporality") == 2);
  BOOST_TEST(counter.at("sum").at("isMonotonic") == true);
  BOOST_TEST(counter.at("sum").at("dataPoints").size() == 3u);
  const json& point = counter.at("sum").at("dataPoints").at(1);
  BOOST_TEST(point.at("asInt") == "600");
  BOOST_TEST(point.at("timeUnixNano") == "1700000000000000000");
  BOOST_TEST(named(point.at("attributes"), "key", "task_name")->at("value").at("stringValue") == "totals");
  const json& gauge = *named(metrics, "name", "flink.taskmanager.job.task.busyTimeMsPerSecond");
  BOOST_TEST(gauge.at("gauge").at("dataPoints").at(1).at("asDouble") == 500);
  const json& summary =
      named(metrics, "name", "flink.jobmanager.job.checkpointDuration")->at("summary").at("dataPoints").at(0);
  BOOST_TEST(summary.at("count") == "3");
  BOOST_TEST(summary.at("sum") == 60);
  BOOST_TEST(summary.at("quantileValues").at(0).at("value") == 10);
}

BOOST_AUTO_TEST_CASE(opentelemetry_gets_each_span_once) {
  MetricsView view = sample_view();
  view.totals.spans = {{4, "Checkpoint", 1'000'000, 1'020'000, false, {{"checkpointId", "3"}}},
                       {5, "Recovery", 2'000'000, 2'500'000, false, {}},
                       {6, "Checkpoint", 3'000'000, 3'500'000, true, {}}};
  const MetricsSnapshot snapshot = collect(view);
  const json request = json::parse(otlp_traces(snapshot, {"stream", ""}, 4));
  const json& spans = request.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans");
  BOOST_TEST_REQUIRE(spans.size() == 2u);
  BOOST_TEST(spans[0].at("name") == "Recovery");
  BOOST_TEST(spans[0].at("endTimeUnixNano") == "2500000000");
  BOOST_TEST(spans[0].at("traceId").get<std::string>().size() == 32u);
  BOOST_TEST(spans[0].at("spanId").get<std::string>().size() == 16u);
  BOOST_TEST(spans[0].at("traceId") != spans[1].at("traceId"));
  BOOST_TEST(spans[1].at("status").at("code") == 2);
  BOOST_TEST(otlp_traces(snapshot, {"stream", ""}, 6) == "");
}

BOOST_AUTO_TEST_CASE(opentelemetry_gets_each_event_once) {
  MetricsView view = sample_view();
  view.totals.events = {{1, 1'000'000, "running", "attempt 1"}, {2, 2'000'000, "failed", "totals.0 was killed"}};
  const MetricsSnapshot snapshot = collect(view);
  const json request = json::parse(otlp_logs(snapshot, {"stream", ""}, 1));
  const json& records = request.at("resourceLogs").at(0).at("scopeLogs").at(0).at("logRecords");
  BOOST_TEST_REQUIRE(records.size() == 1u);
  BOOST_TEST(records[0].at("body").at("stringValue") == "totals.0 was killed");
  BOOST_TEST(records[0].at("severityText") == "ERROR");
  BOOST_TEST(records[0].at("timeUnixNano") == "2000000000");
  BOOST_TEST(named(records[0].at("attributes"), "key", "event.name")->at("value").at("stringValue") == "failed");
  BOOST_TEST(otlp_logs(snapshot, {"stream", ""}, 2) == "");
}

BOOST_AUTO_TEST_CASE(datadog_gets_series) {
  Deltas deltas;
  MetricsView view = sample_view();
  const auto bodies = datadog_bodies(collect(view), {"env:test"}, 40, deltas);
  BOOST_TEST(bodies.size() > 2u);
  std::size_t series = 0;
  for (const std::string& body : bodies) {
    const json request = json::parse(body);
    BOOST_TEST(request.at("series").size() <= 40u);
    series += request.at("series").size();
  }
  view.instances[1].stats.records_in = 650;
  const json request = json::parse(datadog_bodies(collect(view), {"env:test"}, 10'000, deltas).at(0));
  BOOST_TEST(request.at("series").size() == series);
  const json* found = nullptr;
  for (const json& each : request.at("series")) {
    const bool first = each.at("tags").size() > 7 && each.at("tags").at(7) == "subtask_index:0";
    if (each.at("metric") == "flink.task.numRecordsIn" && first) found = &each;
  }
  BOOST_TEST_REQUIRE((found != nullptr));
  BOOST_TEST(found->at("type") == "count");
  BOOST_TEST(found->at("points").at(0).at(0) == 1'700'000'000);
  BOOST_TEST(found->at("points").at(0).at(1) == 50);
  BOOST_TEST(found->at("tags").back() == "env:test");
}

BOOST_AUTO_TEST_CASE(ganglia_gets_what_a_metric_is_before_its_value) {
  const auto packets = ganglia_packets(collect(sample_view()), {3, 20});
  BOOST_TEST_REQUIRE(packets.size() % 2 == 0);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    BOOST_TEST(packets[i].size() % 4 == 0);
    BOOST_TEST(static_cast<int>(static_cast<unsigned char>(packets[i][3])) == (i % 2 == 0 ? 128 : 133));
  }
  using namespace std::string_literals;
  const std::string name = "ada-example.jobmanager.visits.uptime";
  const std::string value = "\0\0\0\x85\0\0\0\x0b"s + "ada.example\0"s + "\0\0\0\x24"s + name +
                            "\0\0\0\0\0\0\0\x02%s\0\0"s + "\0\0\0\x04"s + "5000";
  BOOST_TEST((std::find(packets.begin(), packets.end(), value) != packets.end()));
}

BOOST_AUTO_TEST_CASE(jmx_is_read) {
  BOOST_TEST(ask("GET", "/jolokia/read/" + kUptime + "/Value").at("value") == 5000);
  BOOST_TEST(ask("GET", "/jolokia/read/" + kUptime).at("value").at("Value") == 5000);
  const json many =
      ask("GET", "/jolokia/read/org.apache.flink.taskmanager.job.task.numRecordsIn:task_name=totals,*/Count");
  BOOST_TEST(many.at("value").size() == 2u);
  BOOST_TEST(many.at("status") == 200);
  const json bulk = ask("POST", "/jolokia",
                        R"([{"type":"read","mbean":")" + kUptime + R"(","attribute":"Value"},{"type":"version"},)" +
                            R"({"type":"read","mbean":"a:b=c"},{"type":"read","mbean":"x"},{"type":"exec"},7])");
  BOOST_TEST_REQUIRE(bulk.size() == 6u);
  BOOST_TEST(bulk[0].at("value") == 5000);
  BOOST_TEST(bulk[0].at("request").at("mbean") == kUptime);
  BOOST_TEST(bulk[0].at("timestamp") == 1'700'000'000);
  BOOST_TEST(bulk[1].at("value").at("info").at("product") == "stream");
  BOOST_TEST(bulk[2].at("error_type") == "javax.management.InstanceNotFoundException");
  BOOST_TEST(bulk[3].at("status") == 400);
  BOOST_TEST(bulk[4].at("status") == 403);
  BOOST_TEST(bulk[5].at("status") == 400);
  const json histogram =
      ask("POST", "/jolokia", R"({"type":"read","mbean":"*.checkpointDuration:*","attribute":["Median","Count"]})");
  BOOST_TEST(histogram.at("value").front().dump() == R"({"Count":3,"Median":20})");
}

BOOST_AUTO_TEST_CASE(jmx_is_searched_and_listed) {
  BOOST_TEST(ask("GET", "/jolokia/search/org.apache.flink.jobmanager.job.up*:*").at("value").dump() ==
             "[\"" + kUptime + "\"]");
  BOOST_TEST(ask("GET", "/jolokia/search/org.apache.flink.jobmanager.job.uptime:host=ada.example").at("value").empty());
  const json all = ask("GET", "/jolokia/list").at("value");
  const json& uptime = all.at("org.apache.flink.jobmanager.job.uptime");
  BOOST_TEST(uptime.size() == 1u);
  BOOST_TEST(uptime.front().at("attr").at("Value").at("type") == "double");
  BOOST_TEST(ask("GET", "/jolokia/list/org.apache.flink.jobmanager.job.uptime").at("value") == uptime);
  BOOST_TEST(ask("GET", "/jolokia/list/none").at("status") == 404);
  BOOST_TEST(ask("GET", "/jolokia").at("value").at("protocol") == "7.2");
  BOOST_TEST(jolokia_answer(collect(sample_view()), {"GET", "/jolokiax", {}, ""}).status == 404);
  BOOST_TEST(jolokia_answer(collect(sample_view()), {"POST", "/jolokia", {}, "{"}).status == 400);
}

BOOST_AUTO_TEST_SUITE_END()
