#include "stages/write-kafka/message_columns.h"

#include <boost/test/unit_test.hpp>

#include "stages/kit/tls_options.h"
#include "transport/record/batch.h"

using namespace stream;

namespace {

const SchemaPtr kSchema =
    std::make_shared<const Schema>(*parse_schema("n bigint, p bigint, at timestamp, country varchar, score double"));

Values options_of(std::vector<std::pair<std::string, std::string>> texts, std::vector<std::string> headers = {}) {
  Values out;
  for (auto& [name, text] : texts) out.set(name, text);
  if (!headers.empty()) out.set("headers", std::move(headers));
  return out;
}

Batch two_rows() {
  BatchBuilder rows(kSchema);
  for (const std::int64_t n : {7, 8}) {
    rows.column(0).append(n);
    rows.column(1).append<std::int64_t>(n == 7 ? 2 : -1);
    rows.column(2).append<std::int64_t>(5'000'000);
    rows.column(3).append_bytes("de");
    rows.column(4).append(0.5);
    rows.end_row();
  }
  return rows.finish();
}

std::string wrong(const Values& options) {
  std::vector<PlanError> errors;
  message_columns(options, *kSchema, errors);
  return errors.empty() ? "" : errors[0].message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(about_messages)

BOOST_AUTO_TEST_CASE(what_is_about_a_message_is_not_in_it_but_for_the_key) {
  std::vector<PlanError> errors;
  const MessageColumns columns = message_columns(
      options_of({{"key", "n"}, {"partition", "p"}, {"timestamp", "at"}}, {"country"}), *kSchema, errors);
  BOOST_TEST(errors.empty());
  BOOST_TEST(columns.payload == (std::vector<std::size_t>{0, 4}), boost::test_tools::per_element());
  const Batch rows = two_rows();
  const auto head = message_head(columns, rows, 0);
  BOOST_REQUIRE(head.ok());
  BOOST_TEST(*head->key == "7");
  BOOST_TEST(*head->partition == 2);
  BOOST_TEST(*head->milliseconds == 5000);
  BOOST_TEST(head->headers.at(0).name == "country");
  BOOST_TEST(*head->headers.at(0).value == "de");
  BOOST_TEST(message_head(columns, rows, 1).status().what() == "no partition has the number -1");
}

BOOST_AUTO_TEST_CASE(columns_that_do_not_fit_are_refused) {
  BOOST_TEST(wrong(options_of({{"partition", "country"}})) == "'country' is VARCHAR, not BIGINT");
  BOOST_TEST(wrong(options_of({{"timestamp", "n"}})) == "'n' is BIGINT, not TIMESTAMP");
  BOOST_TEST(wrong(options_of({{"key", "m"}})).starts_with("no column 'm'"));
  BOOST_TEST(wrong(options_of({}, {"n", "p", "at", "country", "score"})) == "no column is left for the message itself");
}

BOOST_AUTO_TEST_CASE(options_of_tls_go_together) {
  const auto errors = [](bool tls, const Values& options) { return check_tls_options(options, tls, "").size(); };
  BOOST_TEST(errors(true, {}) == 0U);
  BOOST_TEST(errors(true, options_of({{"tls-ca", "a"}, {"tls-cert", "b"}, {"tls-key", "c"}})) == 0U);
  BOOST_TEST(errors(true, options_of({{"tls-cert", "b"}})) == 1U);
  BOOST_TEST(errors(false, options_of({{"tls-ca", "a"}})) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
