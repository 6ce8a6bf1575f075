#include <boost/test/unit_test.hpp>

#include "stages/format/message_decoder.h"
#include "stages/format/message_encoder.h"
#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

namespace {

struct Decoded {
  std::string text;  // rows as NDJSON
  std::vector<std::string> bad;
};

// Each message with its number as `_offset` and a key.
Decoded decode(Format format, std::string_view payload, std::string_view wanted,
               const std::vector<std::string>& messages) {
  Decoded out;
  MessageFormat setup;
  setup.options.format = format;
  setup.payload = *schema_of(payload);
  setup.about = {{"_offset", kBigint}, {"_key", kVarchar}, {"_time", kTimestamp}};
  auto decoder = MessageDecoder::make(setup, schema_of(wanted), [&](std::string reason, std::string text) {
    out.bad.push_back(reason + ": " + text);
    return Status();
  });
  BOOST_REQUIRE_MESSAGE(decoder.ok(), decoder.status().what());
  std::int64_t offset = 0;
  for (const std::string& message : messages) {
    const MessageValue values[] = {offset, offset % 2 == 0 ? MessageValue(std::string_view("even")) : MessageValue(),
                                   offset * 1'000'000};
    BOOST_TEST((*decoder)->add(message, values).ok());
    ++offset;
  }
  ByteBuilder bytes;
  make_encoder({}, schema_of(wanted))->encode((*decoder)->finish(), bytes);
  out.text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return out;
}

Batch three_rows() {
  BatchBuilder builder(schema_of("s varchar, n bigint"));
  for (const char* text : {"a", "b,c\nd", ""}) {
    *text == '\0' ? builder.column(0).append_null() : builder.column(0).append_bytes(text);
    builder.column(1).append(std::int64_t{7});
    builder.end_row();
  }
  return builder.finish();
}

std::vector<std::string> encode(MessageEncoderOptions options) {
  const Batch batch = three_rows();
  MessageEncoder encoder(options, batch.schema);
  std::vector<std::string> out;
  for (std::size_t row = 0; row < batch.rows; ++row) out.emplace_back(encoder.encode(batch, row));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(messages)

BOOST_AUTO_TEST_CASE(a_json_message_is_one_record_on_however_many_lines) {
  const Decoded found =
      decode(Format::kNdjson, "n bigint, s varchar", "n bigint, s varchar",
             {"{\"n\":1,\n \"s\":\"x\"\n}\n", "1", "{\"n\":2,\"s\":\"a\\nb\"}", "{\"n\":3}\n{\"n\":4}"});
  BOOST_TEST(found.text == "{\"n\":1,\"s\":\"x\"}\n{\"n\":2,\"s\":\"a\\nb\"}\n");
  BOOST_TEST(found.bad.size() == 2U);  // no object; two objects
}

BOOST_AUTO_TEST_CASE(a_message_of_lines_is_a_record_a_line_each_with_what_is_known_of_it) {
  const Decoded found =
      decode(Format::kText, "line varchar", "_key varchar, line varchar, _offset bigint", {"a\nb\n", "c"});
  BOOST_TEST(found.text ==
             "{\"_key\":\"even\",\"line\":\"a\",\"_offset\":0}\n{\"_key\":\"even\",\"line\":\"b\",\"_offset\":0}\n"
             "{\"_key\":null,\"line\":\"c\",\"_offset\":1}\n");
}

BOOST_AUTO_TEST_CASE(a_message_of_more_lines_than_a_batch_takes_gives_more_than_one) {
  constexpr std::size_t kLines = 2 * kBatchRowsMax + 7;
  MessageFormat setup;
  setup.options.format = Format::kText;
  setup.payload = *schema_of("line varchar");
  setup.about = {{"_offset", kBigint}};
  auto decoder = MessageDecoder::make(setup, schema_of("line varchar, _offset bigint"),
                                      [](const std::string&, const std::string&) { return Status(); });
  BOOST_REQUIRE(decoder.ok());
  std::string message;
  for (std::size_t i = 0; i < kLines; ++i) message += "x\n";
  const MessageValue values[] = {std::int64_t{5}};
  BOOST_REQUIRE((*decoder)->add(message, values).ok());
  std::size_t rows = 0;
  while (!(*decoder)->empty()) {
    const Batch batch = (*decoder)->finish();
    BOOST_REQUIRE_LE(batch.rows, kBatchRowsMax);
    for (const Column& column : batch.columns) BOOST_REQUIRE_EQUAL(column.size(), batch.rows);
    BOOST_TEST(batch.columns[1].value<std::int64_t>(batch.rows - 1) == 5);
    rows += batch.rows;
  }
  BOOST_TEST(rows == kLines);
}

BOOST_AUTO_TEST_CASE(a_quote_that_is_not_closed_ends_with_its_message) {
  const Decoded found = decode(Format::kCsv, "a bigint, b varchar", "b varchar, _time timestamp",
                               {"1,x", "2,\"open", "3,\"two\nlines\"", ""});
  BOOST_TEST(
      found.text ==
      "{\"b\":\"x\",\"_time\":\"1970-01-01T00:00:00Z\"}\n{\"b\":\"two\\nlines\",\"_time\":\"1970-01-01T00:00:02Z\"}\n");
  BOOST_TEST(found.bad.size() == 2U);
  BOOST_TEST(found.bad.back() == "the message is empty: ");
}

BOOST_AUTO_TEST_CASE(columns_about_messages_alone_can_be_wanted) {
  const Decoded found = decode(Format::kNdjson, "n bigint", "_offset bigint", {"{\"n\":1}", "{}"});
  BOOST_TEST(found.text == "{\"_offset\":0}\n{\"_offset\":1}\n");
}

BOOST_AUTO_TEST_CASE(a_row_is_a_message_without_a_line_end) {
  using Texts = std::vector<std::string>;
  BOOST_TEST(encode({}) == (Texts{"{\"s\":\"a\",\"n\":7}", "{\"s\":\"b,c\\nd\",\"n\":7}", "{\"s\":null,\"n\":7}"}),
             boost::test_tools::per_element());
  BOOST_TEST(encode({MessageOutput::kCsv, ';', false}) == (Texts{"a;7", "\"b,c\nd\";7", ";7"}),
             boost::test_tools::per_element());
  BOOST_TEST(encode({MessageOutput::kText, ',', false}) == (Texts{"a", "b,c\nd", ""}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
