#include "supervisor/manifest_autoscale.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "supervisor/pipeline.h"

using namespace stream;

namespace {

Node parse(const std::string& text) {
  Problems problems;
  auto documents = parse_document(text, "m.yaml", problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  return documents.front();
}

std::string wrong(const std::string& text) {
  Problems problems;
  read_autoscale(parse(text), problems);
  return problems.text();
}

InstanceBounds bounds(const std::string& text) {
  Problems problems;
  StageSpec spec;
  read_parallelism(parse("parallelism: " + text), spec, problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  BOOST_TEST(spec.parallelism_given);
  BOOST_TEST(spec.parallelism == std::max(1U, spec.bounds.least));
  return spec.bounds;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest_autoscale)

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_tables) {
  Problems problems;
  std::string all = "mode: advice\n";
  for (const ManifestKey& key : kAutoscaleKeys) {
    if (key.name == "mode" || key.fallback.empty()) continue;
    all += std::string(key.name) + ": " + std::string(key.fallback) + "\n";
  }
  autoscale::Settings settings = read_autoscale(parse(all), problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  BOOST_TEST((settings.mode == autoscale::Mode::kAdvice));
  settings.mode = autoscale::Mode::kOff;
  BOOST_TEST((settings == autoscale::Settings()));
}

BOOST_AUTO_TEST_CASE(what_is_read_survives_being_kept) {
  Problems problems;
  const autoscale::Settings settings =
      read_autoscale(parse("mode: on\nmetrics-window: 5s\ntarget-utilization: 0.8\nscale-up-max-factor: 100000\n"
                           "excluded-periods: [mon-fri 09:00-17:00, 22:00-23:00]"),
                     problems);
  BOOST_TEST_REQUIRE(problems.empty(), problems.text());
  BOOST_TEST(settings.excluded_periods.size() == 2u);
  BOOST_TEST((autoscale_from_json(autoscale_to_json(settings)) == settings));
  PipelineSpec pipeline;
  pipeline.name = "p";
  pipeline.autoscale = settings;
  pipeline.stages = {{.name = "s", .run = "filter"}};
  pipeline.stages[0].bounds = {1, 7};
  const auto again = pipeline_from_json(pipeline_to_json(pipeline));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST((again->autoscale == settings));
  BOOST_TEST((again->stages[0].bounds == InstanceBounds{1, 7}));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_where_it_stands) {
  BOOST_TEST(wrong("interval: 10ms").find("m.yaml:1:11: 'interval' must be at least 100ms") != std::string::npos,
             wrong("interval: 10ms"));
  BOOST_TEST(wrong("target-utilization: 0").find("must be more than 0") != std::string::npos);
  BOOST_TEST(wrong("scale-down-max-factor: 2").find("must be from 0 to 1") != std::string::npos);
  BOOST_TEST(wrong("scale-up-max-factor: -1").find("must be at least 0") != std::string::npos);
  BOOST_TEST(wrong("restart-time: 6m").find("'catch-up-duration' must be longer than") != std::string::npos);
  BOOST_TEST(wrong("excluded-periods: noon").find("'noon' is no period") != std::string::npos);
  BOOST_TEST(wrong("window: 5s").find("'autoscale' has no key 'window'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_number_or_bounds) {
  BOOST_TEST((bounds("3..5") == InstanceBounds{3, 5}));
  BOOST_TEST((bounds("{min: 2, max: 8}") == InstanceBounds{2, 8}));
  BOOST_TEST((bounds("{max: 8}") == InstanceBounds{1, 8}));
  BOOST_TEST(!bounds("1").given());
  for (const char* text : {"5..3", "0..3", "1..1025", "1..", "..3", "a..b"}) BOOST_TEST(!parse_bounds(text).ok(), text);
  BOOST_TEST(to_string(*parse_bounds("1..8")) == "1..8");
  BOOST_TEST((InstanceBounds{2, 4}.clamp(1)) == 2u);
  BOOST_TEST((InstanceBounds{2, 4}.clamp(9)) == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
