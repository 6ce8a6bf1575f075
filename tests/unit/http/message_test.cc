#include "supervisor/http/message.h"

#include <boost/test/unit_test.hpp>

using namespace stream;
using namespace stream::http;

BOOST_AUTO_TEST_SUITE(message)

BOOST_AUTO_TEST_CASE(a_path_is_split_before_it_is_decoded) {
  const auto target = parse_target("/v1/jobs/a%2Fb/..%2f?get=x%2Cy&agg=min+max&flag");
  BOOST_REQUIRE(target.ok());
  const std::vector<std::string> wanted = {"jobs", "a/b", "../"};
  BOOST_TEST(target->segments == wanted, boost::test_tools::per_element());
  BOOST_TEST(target->query.at("get") == "x,y");
  BOOST_TEST(target->query.at("agg") == "min max");
  BOOST_TEST(target->query.at("flag").empty());
}

BOOST_AUTO_TEST_CASE(v1_is_the_same_as_none) {
  BOOST_TEST(parse_target("/v1/overview")->segments == parse_target("/overview/")->segments,
             boost::test_tools::per_element());
  BOOST_TEST(parse_target("/")->segments.empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_address_is_refused) {
  for (const char* wrong : {"jobs", "", "*", "/a%", "/a%4", "/a%zz", "/a%00"}) {
    const auto target = parse_target(wrong);
    BOOST_TEST(!target.ok(), wrong);
    if (!target.ok()) BOOST_TEST(refuse(target.status()).status == 400);
  }
  BOOST_TEST(parse_target("/a%41")->segments[0] == "aA");
}

BOOST_AUTO_TEST_CASE(what_parameters_are_given_is_not_shown) {
  BOOST_TEST(without_parameters("/jobs?a=b") == "/jobs?a=b");
  BOOST_TEST(without_parameters("/jobs") == "/jobs");
  BOOST_TEST(without_parameters("/p?name=x&p.key=secret&p%2Ekey=secret&%70.key=secret&%=secret") ==
             "/p?name=x&p.key=...&p%2Ekey=...&%70.key=...&%=...");
}

BOOST_AUTO_TEST_CASE(what_failed_gives_the_status) {
  BOOST_TEST(refuse(usage_error("x")).status == 400);
  BOOST_TEST(refuse(Status(Code::kNotFound, "x")).status == 404);
  BOOST_TEST(refuse(failed("x")).status == 409);
  BOOST_TEST(refuse(corrupt("x")).status == 500);
  const Answer late = refuse(Status(Code::kInterrupted, "x"));
  BOOST_TEST(late.status == 503);
  BOOST_TEST(late.headers.front().first == "Retry-After");
  BOOST_TEST(late.text == R"({"errors":["x"]})");
}

BOOST_AUTO_TEST_SUITE_END()
