#include "stages/write-http/requests.h"

#include <boost/test/unit_test.hpp>

#include "stages/write-http/write_http.h"

namespace stream {
namespace {

Batch numbers(std::int64_t from, std::int64_t to) {
  auto schema = std::make_shared<const Schema>(*parse_schema("n bigint"));
  BatchBuilder builder(schema);
  for (std::int64_t n = from; n < to; ++n) {
    builder.column(0).append(n);
    builder.end_row(RowKind::kInsert);
  }
  return builder.finish();
}

std::vector<std::string> bodies(bool array, std::size_t rows_max, const std::vector<Batch>& batches) {
  auto schema = batches.front().schema;
  Requests requests({array, rows_max, "run", "out"}, MessageEncoder({}, schema));
  std::vector<std::string> out;
  for (const HttpBody& body : requests.of({Epoch(3), 1}, batches)) out.push_back(body.key + " " + body.text);
  return out;
}

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(write_http)

BOOST_AUTO_TEST_CASE(requests_do_not_depend_on_how_rows_came) {
  const Texts expected = {"run-out-1-3-0 {\"n\":0}\n{\"n\":1}\n", "run-out-1-3-1 {\"n\":2}\n{\"n\":3}\n",
                          "run-out-1-3-2 {\"n\":4}\n"};
  BOOST_TEST(bodies(false, 2, {numbers(0, 5)}) == expected, boost::test_tools::per_element());
  BOOST_TEST(bodies(false, 2, {numbers(0, 1), numbers(1, 2), numbers(2, 2), numbers(2, 5)}) == expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(json_is_an_array_but_for_single_rows) {
  BOOST_TEST(
      bodies(true, 2, {numbers(0, 3)}) == (Texts{"run-out-1-3-0 [{\"n\":0},{\"n\":1}]", "run-out-1-3-1 [{\"n\":2}]"}),
      boost::test_tools::per_element());
  BOOST_TEST(bodies(true, 1, {numbers(0, 2)}) == (Texts{"run-out-1-3-0 {\"n\":0}", "run-out-1-3-1 {\"n\":1}"}),
             boost::test_tools::per_element());
  BOOST_TEST(bodies(true, 2, {numbers(0, 0)}).empty());
}

BOOST_AUTO_TEST_CASE(an_answer_says_whether_to_try_again) {
  for (const int status : {200, 201, 204}) BOOST_TEST((meaning(status) == Answer::kTaken));
  for (const int status : {408, 425, 429, 500, 503}) BOOST_TEST((meaning(status) == Answer::kLater));
  for (const int status : {301, 400, 401, 404, 413}) BOOST_TEST((meaning(status) == Answer::kNever));
}

BOOST_AUTO_TEST_CASE(tries_come_slower_and_as_late_as_the_server_asks) {
  BOOST_TEST(retry_delay(0, "") == 100'000);
  BOOST_TEST(retry_delay(3, "") == 800'000);
  BOOST_TEST(retry_delay(100, "") == 10'000'000);
  BOOST_TEST(retry_delay(0, "2") == 2'000'000);
  BOOST_TEST(retry_delay(0, "9999999999") == 60'000'000);
  BOOST_TEST(retry_delay(0, "Fri, 27 Nov 2026 10:00:00 GMT") == 100'000);
  BOOST_TEST(retry_delay(0, "-5") == 100'000);
}

BOOST_AUTO_TEST_CASE(a_url_is_taken_apart) {
  const auto target = parse_target("https://a.example:8443/in?x=1");
  BOOST_TEST(target->server == "https://a.example:8443");
  BOOST_TEST(target->path == "/in?x=1");
  BOOST_TEST(parse_target("http://a")->path == "/");
  for (const char* url : {"a", "ftp://a", "http://", "http:///x", "http://u:p@a/"}) BOOST_TEST(!parse_target(url).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream
