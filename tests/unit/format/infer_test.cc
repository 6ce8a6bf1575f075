#include <boost/test/unit_test.hpp>

#include "stages/format/infer.h"

using namespace stream;

namespace {

std::string inferred(std::string_view sample, FormatOptions options = {}) {
  const auto result = infer_schema(options, sample, true);
  return result.ok() ? to_string(result->schema) : result.status().what();
}

FormatOptions of(Format format) {
  FormatOptions options;
  options.format = format;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(inference)

BOOST_AUTO_TEST_CASE(ndjson_types_are_the_narrowest_that_hold_all_values) {
  struct Case {
    const char* values;
    const char* type;
  };
  for (const auto& [values, type] : {Case{"true|false|null", "boolean"},
                                     {"1|2|-3", "bigint"},
                                     {"1|2.5", "double"},
                                     {"1e3", "double"},
                                     {"18446744073709551615", "decimal(38,0)"},
                                     {"1|-9223372036854775809", "decimal(38,0)"},
                                     {"99999999999999999999999999999999999999", "decimal(38,0)"},
                                     {"1|100000000000000000000000000000000000000", "varchar"},
                                     {"18446744073709551615|0.5", "double"},
                                     {"18446744073709551615|\"a\"", "json"},
                                     {"\"a\"|\"b\"", "varchar"},
                                     {"\"2024-01-01T00:00:00Z\"|null", "timestamp"},
                                     {"\"2024-01-01 00:00:00\"", "timestamp"},
                                     {"\"2024-01-01\"", "varchar"},
                                     {"\"2024-01-01T00:00:00Z\"|\"x\"", "varchar"},
                                     {"{}", "json"},
                                     {"[1]", "json"},
                                     {"1|\"a\"", "json"},
                                     {"true|1", "json"},
                                     {"null", "varchar"}}) {
    std::string sample;
    for (std::string_view rest = values; !rest.empty();) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      sample += "{\"v\":" + std::string(rest.substr(0, bar)) + "}\n";
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    BOOST_TEST((*parse_schema(inferred(sample)) == *parse_schema(std::string("v ") + type)), values);
  }
}

BOOST_AUTO_TEST_CASE(columns_stand_in_order_of_first_appearance) {
  BOOST_TEST((*parse_schema(inferred("{\"b\":1}\n{\"a\":2,\"b\":3}\n")) == *parse_schema("b bigint, a bigint")));
}

BOOST_AUTO_TEST_CASE(csv_types_come_from_text_and_codes_stay_text) {
  BOOST_TEST(
      (*parse_schema(inferred("i,d,b,s,zip,t,phone,nothing\n1,1.5,true,x,00123,2024-01-01T10:00:00Z,+49123,\n2,2,FALSE,"
                              "1,12,2024-01-01T10:00Z,5,\n",
                              of(Format::kCsv))) ==
       *parse_schema(
           "i bigint, d double, b boolean, s varchar, zip varchar, t timestamp, phone varchar, nothing varchar")));
  BOOST_TEST((*parse_schema(inferred("id,code\n18446744073709551615,01\n7,18446744073709551615\n", of(Format::kCsv))) ==
              *parse_schema("id decimal(38,0), code varchar")));
  FormatOptions bare = of(Format::kCsv);
  bare.header = false;
  BOOST_TEST((*parse_schema(inferred("1,x\n", bare)) == *parse_schema("c1 bigint, c2 varchar")));
}

BOOST_AUTO_TEST_CASE(groups_and_keys_become_columns) {
  FormatOptions regex = of(Format::kRegex);
  regex.pattern = "(?P<z>\\w+) (?P<a>\\d+)";
  BOOST_TEST((*parse_schema(inferred("x 1\nbad\ny 2\n", regex)) == *parse_schema("z varchar, a bigint")));
  BOOST_TEST((*parse_schema(inferred("", regex)) == *parse_schema("z varchar, a varchar")));
  BOOST_TEST((*parse_schema(inferred("m=x n=1.5 f\n", of(Format::kLogfmt))) ==
              *parse_schema("m varchar, n double, f boolean")));
  BOOST_TEST((*parse_schema(inferred("12\n", of(Format::kText))) == *parse_schema("line varchar")));
}

BOOST_AUTO_TEST_CASE(nothing_to_sample_says_what_is_required) {
  BOOST_TEST(inferred("") == "nothing to find the schema in");
  BOOST_TEST(inferred("x\n") == "no record of format ndjson in the sample");
}

BOOST_AUTO_TEST_CASE(a_cut_last_record_is_left_out_of_a_sample) {
  const auto result = infer_schema({}, "{\"a\":1}\n{\"a\":1.", false);
  BOOST_TEST((result->schema == *parse_schema("a bigint")));
  BOOST_TEST(result->bad_records == 0u);
}

BOOST_AUTO_TEST_CASE(integers_that_look_like_times_are_hinted_at) {
  BOOST_TEST_REQUIRE(infer_schema({}, "{\"t\":1700000000123,\"n\":5}\n", true)->hints.size() == 1u);
  BOOST_TEST(infer_schema({}, "{\"t\":1700000000123}\n", true)->hints[0].ends_with("time-unit: ms"));
}

BOOST_AUTO_TEST_CASE(a_time_format_makes_timestamps) {
  FormatOptions options;
  options.time_format = "%d.%m.%Y";
  BOOST_TEST((*parse_schema(inferred("{\"t\":\"29.02.2024\"}\n", options)) == *parse_schema("t timestamp")));
}

BOOST_AUTO_TEST_SUITE_END()
