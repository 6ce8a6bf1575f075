#include <boost/test/unit_test.hpp>

#include "stages/format/infer.h"
#include "stages/format/message_decoder.h"
#include "stages/format/message_encoder.h"
#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

namespace {

FormatOptions debezium() {
  FormatOptions format;
  format.format = Format::kDebezium;
  format.key = {"id"};
  return format;
}

Run decode(std::string_view input, std::string wanted = "") {
  RunOptions options;
  options.format = debezium();
  options.wanted = std::move(wanted);
  options.row_kinds = true;
  return decode_all("id bigint, name varchar", input, options);
}

std::string reason_of(const std::string& record) {
  const Run run = decode(record + "\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1u, record);
  BOOST_TEST(run.text == "");
  return run.bad[0].substr(5, run.bad[0].find(": {") - 5);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(debezium_json)

BOOST_AUTO_TEST_CASE(each_kind_of_change_gives_its_rows) {
  const Run run = decode(R"({"before":null,"after":{"id":1,"name":"a"},"op":"r","ts_ms":5}
{"op":"c","after":{"id":2,"name":"b"}}
{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"c"},"source":{"op":"x"},"op":"u"}

null
{"before":{"id":2,"name":null},"after":null,"op":"d"}
)");
  BOOST_TEST(run.text ==
             "{\"_op\":\"+I\",\"id\":1,\"name\":\"a\"}\n{\"_op\":\"+I\",\"id\":2,\"name\":\"b\"}\n"
             "{\"_op\":\"-U\",\"id\":1,\"name\":\"a\"}\n{\"_op\":\"+U\",\"id\":1,\"name\":\"c\"}\n"
             "{\"_op\":\"-D\",\"id\":2,\"name\":null}\n");
  BOOST_TEST(run.bad.empty());
  BOOST_TEST(run.counters.records == 4u);
}

BOOST_AUTO_TEST_CASE(an_envelope_with_a_schema_is_the_same) {
  const Run run =
      decode(R"({"schema":{"type":"struct","fields":[]},"payload":{"before":null,"after":{"id":1,"name":"a"},"op":"c"}}
{"schema":null,"payload":null}
)");
  BOOST_TEST(run.text == "{\"_op\":\"+I\",\"id\":1,\"name\":\"a\"}\n");
  BOOST_TEST(run.bad.empty());
}

// A pair whose halves have different keys would be taken for one row.
BOOST_AUTO_TEST_CASE(a_changed_key_is_a_deletion_and_an_insertion) {
  const char* record = R"({"before":{"id":1,"name":"a"},"after":{"id":2,"name":"a"},"op":"u"})";
  BOOST_TEST(decode(record).text ==
             "{\"_op\":\"-D\",\"id\":1,\"name\":\"a\"}\n{\"_op\":\"+I\",\"id\":2,\"name\":\"a\"}\n");
  BOOST_TEST(decode(record, "name").text == "{\"_op\":\"-U\",\"name\":\"a\"}\n{\"_op\":\"+U\",\"name\":\"a\"}\n");
}

BOOST_AUTO_TEST_CASE(what_is_large_and_unchanged_is_as_before) {
  BOOST_TEST(decode(R"({"before":{"id":1,"name":"a"},"after":{"id":1,"name":"__debezium_unavailable_value"},"op":"u"})")
                 .text == "{\"_op\":\"-U\",\"id\":1,\"name\":\"a\"}\n{\"_op\":\"+U\",\"id\":1,\"name\":\"a\"}\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_change_says_why) {
  BOOST_TEST(reason_of(R"({"before":null,"after":{"id":1,"name":"a"},"op":"u"})")
                 .starts_with("an update without the row before it"));
  BOOST_TEST(reason_of(R"({"before":{"id":1},"after":{"id":1,"name":"a"},"op":"u"})").find("no column 'name'") !=
             std::string::npos);
  BOOST_TEST(reason_of(R"({"before":null,"op":"d"})") == "a deletion without the row before it");
  BOOST_TEST(reason_of(R"({"before":{"id":1},"op":"c"})") == "a new row without the row after it");
  BOOST_TEST(reason_of(R"({"op":"t"})") == "op \"t\" changes no row");
  BOOST_TEST(reason_of(R"({"id":1})") == "no change of Debezium: \"op\" is missing");
  BOOST_TEST(reason_of(R"({"after":{"id":"x"},"op":"c"})").find("not a valid BIGINT") != std::string::npos);
  // Nothing of an update stays whose second half is bad.
  BOOST_TEST(reason_of(R"({"before":{"id":1,"name":"a"},"after":{"id":"x","name":"a"},"op":"u"})")
                 .find("not a valid BIGINT") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(pieces_and_the_last_line_give_the_same_rows) {
  const std::string text = R"({"after":{"id":1,"name":"a"},"op":"c"}
{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"op":"u"})";
  RunOptions options;
  options.format = debezium();
  options.row_kinds = true;
  const Run whole = decode_all("id bigint, name varchar", text, options);
  for (options.piece = 1; options.piece < text.size(); ++options.piece) {
    const Run run = decode_all("id bigint, name varchar", text, options);
    BOOST_REQUIRE_EQUAL(run.text, whole.text);
    BOOST_REQUIRE_EQUAL(run.position, text.size());
  }
}

BOOST_AUTO_TEST_CASE(batches_end_before_they_are_too_large) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) {
    text += i % 3 == 0 ? "{\"after\":{\"b\":true},\"op\":\"c\"}\n"
                       : "{\"before\":{\"b\":true},\"after\":{\"b\":false},\"op\":\"u\"}\n";
  }
  const auto schema = schema_of("b boolean");
  auto decoder = make_decoder({debezium(), schema, schema, {}});
  BatchBuilder batch(schema);
  InputBuffer buffer;
  buffer.append(text);
  std::size_t rows = 0;
  while (!buffer.bytes().empty()) {
    auto used = (*decoder)->decode(buffer.bytes(), true, batch);
    BOOST_REQUIRE(used.ok());
    buffer.consume(*used);
    BOOST_REQUIRE_LE(batch.rows(), kBatchRowsMax);
    rows += batch.finish().rows;
  }
  BOOST_TEST(rows == 70'000u + 46'666u);
}

BOOST_AUTO_TEST_CASE(the_schema_is_that_of_the_rows) {
  const auto inferred = infer_schema(debezium(), R"({"before":null,"after":{"id":1,"name":"a"},"op":"c"}
{"payload":{"before":{"id":2,"total":1.5},"op":"d"}}
null
)",
                                     true);
  BOOST_REQUIRE(inferred.ok());
  BOOST_TEST(to_string(inferred->schema) == "id bigint, name varchar, total double");
}

BOOST_AUTO_TEST_CASE(a_message_without_a_value_is_a_tombstone) {
  std::vector<std::string> bad;
  auto decoder = MessageDecoder::make({debezium(), *schema_of("id bigint"), {}}, schema_of("id bigint"),
                                      [&](std::string reason, const std::string&) {
                                        bad.push_back(std::move(reason));
                                        return Status();
                                      });
  BOOST_REQUIRE(decoder.ok());
  BOOST_REQUIRE((*decoder)->add("", {}).ok());
  BOOST_REQUIRE((*decoder)->add("{\n\"before\": {\"id\": 1},\n\"op\": \"d\"}", {}).ok());
  BOOST_TEST(bad.empty());
  const Batch batch = (*decoder)->finish();
  BOOST_REQUIRE_EQUAL(batch.rows, 1u);
  BOOST_TEST((batch.kind(0) == RowKind::kDelete));
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_as_the_same_changes) {
  const auto schema = schema_of("id bigint");
  BatchBuilder builder(schema);
  for (const RowKind kind : {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter, RowKind::kDelete}) {
    builder.column(0).append(std::int64_t{7});
    builder.end_row(kind);
  }
  const Batch batch = builder.finish();
  MessageEncoder encoder({MessageOutput::kDebezium, ',', true}, schema);
  BOOST_TEST(encoder.encode(batch, 1) == R"({"before":{"id":7},"after":null,"op":"d"})");
  std::string text;
  for (std::size_t row = 0; row < batch.rows; ++row) text += std::string(encoder.encode(batch, row)) + "\n";
  RunOptions options;
  options.format = debezium();
  options.row_kinds = true;
  BOOST_TEST(
      decode_all("id bigint", text, options).text ==
      "{\"_op\":\"+I\",\"id\":7}\n{\"_op\":\"-D\",\"id\":7}\n{\"_op\":\"+I\",\"id\":7}\n{\"_op\":\"-D\",\"id\":7}\n");
}

BOOST_AUTO_TEST_SUITE_END()
