#include "supervisor/tap_request.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(tap_requests)

BOOST_AUTO_TEST_CASE(what_is_no_request_is_refused) {
  JobPlan plan;
  plan.pipeline.name = "web";
  for (const char* text : {"", "[]", R"({"stage":"a"})", R"({"stage":7})", R"({"stage":{},"where":1,"socket":[]})"}) {
    BOOST_TEST((tap_request(plan, text).status().code() == Code::kUsage), text);
  }
  plan.pipeline.stages.resize(1);
  plan.pipeline.stages[0].name = "a";
  plan.stages.resize(1);
  plan.stages[0].role = StageRole::kOperator;
  plan.stages[0].outputs.resize(1);
  plan.stages[0].outputs[0].name = "out";
  const auto tap = tap_request(plan, R"({"stage":"a","where":1,"socket":[]})");
  BOOST_TEST_REQUIRE(tap.ok());
  BOOST_TEST(tap->socket == "");
  BOOST_TEST(tap->edges.at(0).note == R"({"output":"out","socket":"","where":[]})");
}

BOOST_AUTO_TEST_SUITE_END()
