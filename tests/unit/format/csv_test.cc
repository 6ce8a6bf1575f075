#include <boost/test/unit_test.hpp>

#include <random>

#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

namespace {

RunOptions csv(char delimiter = ',', bool header = true) {
  FormatOptions options;
  options.format = Format::kCsv;
  options.delimiter = delimiter;
  options.header = header;
  return with(options);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(csv_decoder)

BOOST_AUTO_TEST_CASE(the_header_says_where_the_columns_are) {
  BOOST_TEST(decode_all("a bigint, b varchar", "b,a\nx,1\ny,2\n", csv()).text ==
             "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n");
  BOOST_TEST(decode_all("a bigint, b varchar", "1;x\n", csv(';', false)).text == "{\"a\":1,\"b\":\"x\"}\n");
}

BOOST_AUTO_TEST_CASE(quotes_hold_delimiters_quotes_and_newlines) {
  const Run run = decode_all("a varchar, b bigint", "a,b\n\"x,\"\"y\"\"\nz\",1\n\"\",2\n,3\n\"q\"\r\n", csv());
  BOOST_TEST(run.text == "{\"a\":\"x,\\\"y\\\"\\nz\",\"b\":1}\n{\"a\":\"\",\"b\":2}\n{\"a\":null,\"b\":3}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1u);
  BOOST_TEST(run.bad[0] == "6:26: 1 fields instead of 2: \"q\"");
}

BOOST_AUTO_TEST_CASE(empty_fields_are_null_and_quoted_empty_text_is_text) {
  BOOST_TEST(decode_all("a varchar, b bigint, c double", "a,b,c\n,,\n\"\",\"\",\"\"\n", csv()).text ==
             "{\"a\":null,\"b\":null,\"c\":null}\n{\"a\":\"\",\"b\":null,\"c\":null}\n");
}

BOOST_AUTO_TEST_CASE(malformed_records_are_bad_and_reading_goes_on) {
  const Run run =
      decode_all("a varchar, b bigint", "a,b\n\"x\"y,1\nq,2\nq,2,3\nq,z\n\nok,3\nopen \" is text,4\n\"open,5\n", csv());
  BOOST_TEST(run.text == "{\"a\":\"q\",\"b\":2}\n{\"a\":\"ok\",\"b\":3}\n{\"a\":\"open \\\" is text\",\"b\":4}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 4u);
  BOOST_TEST(run.bad[0] == "2:4: text behind a closing quote: \"x\"y,1");
  BOOST_TEST(run.bad[1] == "4:15: 3 fields instead of 2: q,2,3");
  BOOST_TEST(run.bad[2] == "5:21: column 'b': not a valid BIGINT: z: q,z");
  BOOST_TEST(run.bad[3] == "9:48: a quote is not closed: \"open,5");
}

BOOST_AUTO_TEST_CASE(a_header_that_does_not_fit_stops_decoding) {
  BOOST_TEST(decode_all("a bigint, b bigint", "a\n1\n", csv()).status.what() == "header: column 'b' is missing");
  BOOST_TEST((decode_all("a bigint, b bigint", "a\n1\n", csv()).status.code() == Code::kUsage));
  BOOST_TEST(decode_all("a bigint", "a,a\n1,2\n", csv()).status.what() == "header: names 'a' twice");
  RunOptions strict = csv();
  strict.format.unknown_fields = UnknownFields::kError;
  BOOST_TEST(decode_all("a bigint", "a,z\n1,2\n", strict).status.what() == "header: unknown field 'z'");
}

BOOST_AUTO_TEST_CASE(unknown_columns_are_counted_or_kept) {
  BOOST_TEST(decode_all("a bigint", "a,y,z\n1,2,\n", csv()).counters.unknown_fields == 2u);
  RunOptions keep = csv();
  keep.format.unknown_fields = UnknownFields::kKeep;
  BOOST_TEST(decode_all("a bigint, _rest json", "a,y,z\n1,\"q\"\"\",\n2,,\n", keep).text ==
             "{\"a\":1,\"_rest\":{\"y\":\"q\\\"\"}}\n{\"a\":2,\"_rest\":null}\n");
}

BOOST_AUTO_TEST_CASE(pieces_cut_at_every_byte_give_the_same_rows) {
  std::mt19937 random(5);
  static const char* fields[] = {"x", "\"x\"", "\"a\nb\"", "\"\"\"\"", "", "12", "\"1,2\"", "é", "\"\r\n\""};
  for (int round = 0; round < 200; ++round) {
    std::string input = "a,b\n";
    for (int i = 0; i < 6; ++i) {
      input += fields[random() % std::size(fields)];
      input += std::string(",") + std::to_string(random() % 100) + (random() % 2 == 0 ? "\n" : "\r\n");
    }
    if (round % 3 == 0) input[4 + random() % (input.size() - 4)] = '"';
    const Run whole = decode_all("a varchar, b bigint", input, csv());
    for (std::size_t piece = 1; piece < 40; ++piece) {
      RunOptions options = csv();
      options.piece = piece;
      const Run run = decode_all("a varchar, b bigint", input, options);
      BOOST_REQUIRE_MESSAGE(run.text == whole.text && run.bad == whole.bad, input);
      BOOST_REQUIRE(run.position == input.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(decoding_can_begin_in_the_middle_with_the_header_given) {
  const std::string input = "b,a\nx,1\ny,2\n";
  const SchemaPtr schema = schema_of("a bigint");
  FormatOptions options;
  options.format = Format::kCsv;
  auto decoder = *make_decoder({options, schema, schema, {}});
  BOOST_TEST(decoder->start_at(8, input).ok());
  BatchBuilder batch(schema);
  InputBuffer buffer;
  buffer.append(input.substr(8));
  BOOST_TEST(*decoder->decode(buffer.bytes(), true, batch) == 4u);
  BOOST_TEST(decoder->position() == input.size());
  BOOST_TEST(batch.finish().columns[0].value<std::int64_t>(0) == 2);
}

BOOST_AUTO_TEST_CASE(records_beyond_the_limit_are_skipped_to_their_end_by_quotes) {
  RunOptions options = csv();
  options.format.record_size_max = 50;
  options.piece = 10;
  const Run run = decode_all("a varchar, b bigint",
                             "a,b\n\"" + std::string(100, 'x') + "\n" + std::string(100, 'y') + "\",1\nz,2\n", options);
  BOOST_TEST(run.text == "{\"a\":\"z\",\"b\":2}\n");
  BOOST_TEST(run.bad.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(line_decoders)

BOOST_AUTO_TEST_CASE(text_has_one_column_and_keeps_blank_lines) {
  FormatOptions options;
  options.format = Format::kText;
  BOOST_TEST(decode_all("line varchar", "a\r\n\n b \nc", with(options)).text ==
             "{\"line\":\"a\"}\n{\"line\":\"\"}\n{\"line\":\" b \"}\n{\"line\":\"c\"}\n");
  BOOST_TEST(decode_all("line varchar", "\xff\n", with(options)).bad.size() == 1u);
  BOOST_TEST(!decode_all("a varchar", "", with(options)).status.ok());
}

BOOST_AUTO_TEST_CASE(named_groups_of_a_pattern_are_columns) {
  FormatOptions options;
  options.format = Format::kRegex;
  options.pattern = R"((?P<host>\S+) (?P<ms>\d+)(?: (?P<note>\w+))?)";
  const Run run =
      decode_all("host varchar, ms bigint, note varchar", "web 12\nno number\n\nweb 13 slow\n", with(options));
  BOOST_TEST(run.text ==
             "{\"host\":\"web\",\"ms\":12,\"note\":null}\n{\"host\":\"web\",\"ms\":13,\"note\":\"slow\"}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1u);
  BOOST_TEST(run.bad[0] == "2:7: does not match the pattern: no number");
  options.pattern = "(";
  BOOST_TEST(decode_all("a varchar", "", with(options)).status.what().starts_with("pattern: missing )"));
}

BOOST_AUTO_TEST_CASE(logfmt_pairs_are_columns) {
  FormatOptions options;
  options.format = Format::kLogfmt;
  const Run run = decode_all("level varchar, ms double, msg varchar, ok boolean",
                             "level=info ms=1.5 msg=\"a \\\"b\\\"\\n\" ok\nms= level=x\nmsg=\"open\n=1\nmsg=\"a\"b\n",
                             with(options));
  BOOST_TEST(run.text ==
             "{\"level\":\"info\",\"ms\":1.5,\"msg\":\"a \\\"b\\\"\\n\",\"ok\":true}\n"
             "{\"level\":\"x\",\"ms\":null,\"msg\":null,\"ok\":null}\n");
  BOOST_TEST(run.bad.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
