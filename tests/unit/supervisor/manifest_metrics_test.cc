#include <boost/test/unit_test.hpp>

#include "fake_stages.h"
#include "supervisor/manifest_metrics.h"

using namespace stream;
using stream::testing::load;

BOOST_AUTO_TEST_SUITE(manifest_metrics)

BOOST_AUTO_TEST_CASE(reporters_have_names_kinds_and_options) {
  const auto loaded = load(R"(pipeline: p
metrics:
  prometheus:
  near: {reporter: graphite, address: "127.0.0.1:2003", interval: 500ms, include: "jobmanager.job"}
  tagged:
    reporter: datadog
    api-key: env:KEY
    tags: [a:b, c:d]
    exclude: ["*:*:histogram", taskmanager]
    labels: {env: test}
    exclude-labels: [host]
stages:
  in: {run: read-file, path: x}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const std::vector<metrics::ReporterSpec>& found = loaded.pipelines[0].metrics;
  BOOST_TEST_REQUIRE(found.size() == 3u);
  BOOST_TEST(found[0].name == "prometheus");
  BOOST_TEST(found[0].kind == "prometheus");
  BOOST_TEST(found[1].kind == "graphite");
  BOOST_TEST(found[1].interval == 500'000);
  BOOST_TEST(found[1].include.at(0) == "jobmanager.job");
  BOOST_TEST(found[1].options.at("address").at(0) == "127.0.0.1:2003");
  BOOST_TEST(found[2].interval == 10'000'000);
  BOOST_TEST(found[2].exclude.size() == 2u);
  BOOST_TEST(found[2].labels.at("env") == "test");
  BOOST_TEST(found[2].exclude_labels.at(0) == "host");
  BOOST_TEST(found[2].options.at("tags").size() == 2u);
  const auto again = pipeline_from_json(pipeline_to_json(loaded.pipelines[0]));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST((again->metrics == found));
}

BOOST_AUTO_TEST_CASE(a_text_may_name_one_or_a_list) {
  Problems problems;
  BOOST_TEST(read_metrics_text("prometheus", "X", problems).at(0).kind == "prometheus");
  const auto several = read_metrics_text("[log, statsd: {address: 'h:1'}]", "X", problems);
  BOOST_TEST_REQUIRE(several.size() == 2u);
  BOOST_TEST(several[1].options.at("address").at(0) == "h:1");
  BOOST_TEST(problems.empty());
  read_metrics_text("[[log]]", "X", problems);
  BOOST_TEST(problems.text() == "X:1:2: 'metrics' must be a list of reporters, as [prometheus, log]");
}

BOOST_AUTO_TEST_SUITE_END()
