#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

#include "stages/format/avro.h"
#include "stages/format/encode_avro.h"
#include "stages/format/infer.h"
#include "stages/format/message_decoder.h"
#include "stages/format/message_encoder.h"
#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format;
using namespace stream::format_test;

namespace {

constexpr const char* kAll =
    "b boolean, i bigint, d double, m decimal(38,10), s varchar, t timestamp, a date, v interval, x blob, j json";

// Edge values of every type; the last row is NULL throughout.
Batch edges() {
  BatchBuilder builder(schema_of(kAll));
  const Decimal most = [] {
    Decimal value = 1;
    for (int i = 0; i < 38; ++i) value *= 10;
    return value - 1;
  }();
  const double doubles[] = {-0.0, std::numeric_limits<double>::infinity(), 5e-324};
  const Decimal decimals[] = {most, -most, 0};
  const std::int64_t numbers[] = {INT64_MIN, INT64_MAX, -1};
  const std::int32_t days[] = {-719162, INT32_MIN, 0};
  for (int row = 0; row < 3; ++row) {
    builder.column(0).append(static_cast<std::uint8_t>(row % 2));
    builder.column(1).append(numbers[row]);
    builder.column(2).append(doubles[row]);
    builder.column(3).append(decimals[row]);
    builder.column(4).append_bytes(row == 0 ? "" : "Köln \"x\"");
    builder.column(5).append(std::int64_t{row == 0 ? -1 : 1'700'000'000'123'456});
    builder.column(6).append(days[row]);
    builder.column(7).append(Interval{row, -row, -1});
    builder.column(8).append_bytes(std::string(row == 2 ? 300'000U : static_cast<std::size_t>(row), '\xff'));
    builder.column(9).append_bytes(R"({"a":[1,null]})");
    builder.end_row();
  }
  for (std::size_t column = 0; column < 10; ++column) builder.column(column).append_null();
  builder.end_row();
  return builder.finish();
}

std::string file_of(const Batch& batch, AvroCodec codec, std::size_t rows_a_block = SIZE_MAX) {
  EncoderOptions options;
  options.format = OutputFormat::kAvro;
  options.avro_codec = codec;
  options.avro_marker = "0123456789abcdef";
  const auto encoder = make_encoder(options, batch.schema);
  ByteBuilder out;
  for (std::size_t row = 0; row < batch.rows; row += std::min(rows_a_block, batch.rows - row)) {
    encoder->encode(batch.slice(row, row + std::min(rows_a_block, batch.rows - row)), out);
    encoder->complete(out);
  }
  encoder->finish(out);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

std::string text_of(const Batch& batch) {
  ByteBuilder out;
  make_encoder({}, batch.schema)->encode(batch, out);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

Batch numbers(int count) {
  BatchBuilder builder(schema_of("n bigint"));
  for (int i = 0; i < count; ++i) {
    builder.column(0).append(std::int64_t{i});
    builder.end_row();
  }
  return builder.finish();
}

RunOptions avro(std::size_t piece = SIZE_MAX) {
  FormatOptions format;
  format.format = Format::kAvro;
  RunOptions options = with(format);
  options.piece = piece;
  return options;
}

// A file of one block of these bytes.
std::string file_with(std::string_view schema, std::string_view records, int count) {
  std::string file = make_avro_header(schema, AvroCodec::kNull, "0123456789abcdef");
  append_avro_long(count, file);
  append_avro_long(static_cast<std::int64_t>(records.size()), file);
  return file.append(records) + "0123456789abcdef";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(avro_files)

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_with_every_codec_and_in_pieces) {
  const Batch rows = edges();
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate, AvroCodec::kZstandard}) {
    const std::string file = file_of(rows, codec, 1);
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{4099}}) {
      const Run run = decode_all(kAll, file, avro(piece));
      BOOST_TEST_REQUIRE(run.status.ok(), run.status.what());
      BOOST_TEST(run.text == text_of(rows));
      BOOST_TEST(run.bad.empty());
      BOOST_TEST(run.position == file.size());
    }
    const auto inferred = infer_schema(avro().format, file, true);
    BOOST_TEST_REQUIRE(inferred.ok());
    BOOST_TEST(to_string(inferred->schema) == to_string(*schema_of(kAll)));
  }
}

BOOST_AUTO_TEST_CASE(minus_zero_and_what_is_no_number_stay) {
  BatchBuilder builder(schema_of("d double"));
  for (const double value : {-0.0, std::nan("")}) {
    builder.column(0).append(value);
    builder.end_row();
  }
  const std::string file = file_of(builder.finish(), AvroCodec::kDeflate);
  auto decoder = *make_decoder({avro().format, schema_of("d double"), schema_of("d double"), {}});
  BatchBuilder batch(schema_of("d double"));
  BOOST_TEST_REQUIRE(decoder->decode(file, true, batch).ok());
  const Batch rows = batch.finish();
  BOOST_TEST_REQUIRE(rows.rows == 2U);
  BOOST_TEST(std::signbit(rows.columns[0].value<double>(0)));
  BOOST_TEST(std::isnan(rows.columns[0].value<double>(1)));
}

BOOST_AUTO_TEST_CASE(reading_goes_on_within_a_block) {
  const Batch rows = numbers(1000);
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kZstandard}) {
    const std::string file = file_of(rows, codec, 100);
    for (const std::uint64_t done : {0, 1, 99, 100}) {
      // Find the third block by reading two.
      auto first = *make_decoder({avro().format, schema_of("n bigint"), schema_of("n bigint"), {}});
      BatchBuilder batch(schema_of("n bigint"));
      std::size_t cut = 0;
      while (batch.rows() < 200) {
        ++cut;
        batch.finish();
        first = *make_decoder({avro().format, schema_of("n bigint"), schema_of("n bigint"), {}});
        BOOST_TEST_REQUIRE(first->decode(file.substr(0, cut), false, batch).ok());
      }
      auto second = *make_decoder({avro().format, schema_of("n bigint"), schema_of("n bigint"), {}});
      BOOST_TEST_REQUIRE(second->start_at(first->position(), file).ok());
      second->skip_records(done);
      batch.finish();
      BOOST_TEST_REQUIRE(second->decode(file.substr(first->position()), true, batch).ok());
      const Batch rest = batch.finish();
      BOOST_TEST_REQUIRE(rest.rows == 800 - done);
      BOOST_TEST(rest.columns[0].value<std::int64_t>(0) == static_cast<std::int64_t>(200 + done));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_batch_stops_within_a_block) {
  BatchBuilder builder(schema_of("s varchar"));
  for (int i = 0; i < 300; ++i) {
    builder.column(0).append_bytes(std::string(2000, 'x'));
    builder.end_row();
  }
  std::string records;
  for (int i = 0; i < 300; ++i) {
    append_avro_long(2000, records);
    records.append(2000, 'x');
  }
  const std::string file =
      file_with(R"({"type":"record","name":"r","fields":[{"name":"s","type":"string"}]})", records, 300);
  auto decoder = *make_decoder({avro().format, schema_of("s varchar"), schema_of("s varchar"), {}});
  BatchBuilder batch(schema_of("s varchar"));
  std::size_t used = *decoder->decode(file, true, batch);
  BOOST_TEST(batch.full());
  BOOST_TEST(batch.rows() < 300U);
  BOOST_TEST(decoder->records_done() == batch.rows());
  std::size_t rows = 0;
  while (batch.rows() != 0) {
    rows += batch.finish().rows;
    used += *decoder->decode(std::string_view(file).substr(used), true, batch);
  }
  BOOST_TEST(rows == 300U);
  BOOST_TEST(used == file.size());
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_one_bad_record) {
  const Batch rows = numbers(300);
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate, AvroCodec::kZstandard}) {
    const std::string file = file_of(rows, codec, 100);
    const std::size_t header = file_of(numbers(0), codec).size();
    std::string marker = file;
    marker[marker.find("0123456789abcdef", header)] = 'X';  // of the first block: the second goes with it
    const Run lost = decode_all("n bigint", marker, avro());
    BOOST_TEST(lost.bad.size() == 1U);
    BOOST_TEST(lost.text.starts_with("{\"n\":200}\n"));
    BOOST_TEST(lost.position == file.size());
    std::string cut = file.substr(0, file.size() - 1);
    const Run short_one = decode_all("n bigint", cut, avro(7));
    BOOST_TEST(short_one.bad.size() == 1U);
    BOOST_TEST(short_one.bad[0].find("ends within a block") != std::string::npos);
    BOOST_TEST(short_one.counters.records == 200U);
  }
  std::string packed = file_of(rows, AvroCodec::kDeflate, 100);
  const std::size_t header = file_of(numbers(0), AvroCodec::kDeflate).size();
  packed[header + 6] = static_cast<char>(packed[header + 6] ^ 0xff);
  const Run run = decode_all("n bigint", packed, avro());
  BOOST_TEST(run.bad.size() == 1U);
  BOOST_TEST(run.counters.records >= 200U);
}

BOOST_AUTO_TEST_CASE(a_search_for_a_marker_goes_on_where_it_stood) {
  const std::string file = file_of(numbers(300), AvroCodec::kNull, 100);
  const std::size_t header = file_of(numbers(0), AvroCodec::kNull).size();
  std::string damaged = file;
  damaged[damaged.find("0123456789abcdef", header)] = 'X';
  std::vector<std::string> bad;
  const auto make = [&] {
    return *make_decoder({avro().format, schema_of("n bigint"), schema_of("n bigint"), [&](BadInput each) {
                            bad.push_back(each.reason);
                            return Status();
                          }});
  };
  auto first = make();
  BatchBuilder batch(schema_of("n bigint"));
  const std::size_t first_end = damaged.find("X123456789abcdef") + 40;
  const std::size_t used = *first->decode(damaged.substr(0, first_end), false, batch);
  BOOST_TEST(bad.size() == 1U);
  BOOST_TEST(first->position() == used);
  auto second = make();
  BOOST_TEST_REQUIRE(second->start_at(first->position(), damaged).ok());
  second->skip_records(first->records_done());
  BOOST_TEST_REQUIRE(second->decode(damaged.substr(used), true, batch).ok());
  BOOST_TEST(bad.size() == 1U);
  BOOST_TEST(batch.rows() == 100U);
}

BOOST_AUTO_TEST_CASE(a_value_that_does_not_fit_makes_its_record_bad_and_no_other) {
  std::string records;
  for (const std::string_view text : {std::string_view("12"), std::string_view("x"), std::string_view("-7")}) {
    append_avro_long(static_cast<std::int64_t>(text.size()), records);
    records += text;
  }
  const std::string file =
      file_with(R"({"type":"record","name":"r","fields":[{"name":"n","type":"string"}]})", records, 3);
  const Run run = decode_all("n bigint", file, avro());
  BOOST_TEST(run.text == "{\"n\":12}\n{\"n\":-7}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1U);
  BOOST_TEST(run.bad[0].find("record 2 of the block: column 'n': not a valid BIGINT: \"x\": {\"n\":\"x\"}") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_broken_record_takes_the_rest_of_its_block) {
  std::string file = file_with(R"({"type":"record","name":"r","fields":[{"name":"n","type":"boolean"}]})", "\1\7\1", 3);
  const Run run = decode_all("n boolean", file, avro());
  BOOST_TEST(run.text == "{\"n\":true}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1U);
  BOOST_TEST(run.bad[0].find("record 2 of 3 in the block is broken") != std::string::npos);
  BOOST_TEST(run.position == file.size());
}

BOOST_AUTO_TEST_CASE(nested_values_are_json_and_fields_are_found_by_name) {
  const char* schema = R"({"type":"record","name":"r","namespace":"x","fields":[
    {"name":"skipped","type":{"type":"array","items":"long"}},
    {"name":"e","type":{"type":"enum","name":"colour","symbols":["red","green"]}},
    {"name":"u","type":["null","string","long"]},
    {"name":"m","type":{"type":"map","values":{"type":"int","logicalType":"date"}}},
    {"name":"o","type":["null",{"type":"record","name":"node","fields":[{"name":"next","type":["null","node"]}]}]},
    {"name":"f","type":{"type":"fixed","name":"two","size":2}},
    {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"c","type":{"type":"int","logicalType":"time-millis"}}]})";
  const auto parsed = AvroSchema::parse(schema);
  BOOST_TEST_REQUIRE(parsed.ok(), parsed.status().what());
  BOOST_TEST(to_string(*parsed->columns()) ==
             to_string(*schema_of("skipped json, e varchar, u json, m json, o json, f blob, t timestamp, c interval")));
  // [1, 2] in a block that tells its size; green; 5; {"k": -1}; {next: {next: null}}; ab; -1 ms; 1000 ms
  const std::string record(
      "\3\4\2\4\0"
      "\2"
      "\4\12"
      "\2\2k\1\0"
      "\2\2\0"
      "ab"
      "\1"
      "\xd0\x0f",
      21);
  const std::string file = file_with(schema, record, 1);
  const Run run =
      decode_all("e varchar, u json, m json, o json, f blob, t timestamp, c interval, missing bigint", file, avro(5));
  BOOST_TEST(run.bad.empty());
  BOOST_TEST(run.text == R"({"e":"green","u":5,"m":{"k":"1969-12-31"},"o":{"next":{"next":null}},"f":"YWI=",)"
                         R"("t":"1969-12-31T23:59:59.999Z","c":"00:00:01","missing":null})"
                         "\n");
  BOOST_TEST(run.counters.unknown_fields == 1U);
  RunOptions keep = avro();
  keep.format.unknown_fields = UnknownFields::kKeep;
  BOOST_TEST(decode_all("e varchar, u json, m json, o json, f blob, t timestamp, c interval, _rest json", file, keep)
                 .text.find(R"("_rest":{"skipped":[1,2]})") != std::string::npos);
  RunOptions strict = avro();
  strict.format.unknown_fields = UnknownFields::kError;
  BOOST_TEST(decode_all("e varchar", file, strict).bad.size() == 1U);
}

BOOST_AUTO_TEST_CASE(columns_take_what_says_the_same) {
  const char* schema = R"({"type":"record","name":"r","fields":[{"name":"a","type":"long"},{"name":"b","type":"int"},
    {"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]})";
  const std::string file = file_with(schema, std::string("\2\2\2\x7f", 4), 1);
  RunOptions options = avro();
  options.format.time_unit = TimeUnit::kSeconds;
  const Run run = decode_all("a timestamp, b double, c decimal(6,3)", file, options);
  BOOST_TEST(run.text == "{\"a\":\"1970-01-01T00:00:01Z\",\"b\":1,\"c\":\"1.270\"}\n");
  const Run refused = decode_all("a timestamp", file, avro());
  BOOST_TEST(refused.status.what() ==
             "column 'a' is to be TIMESTAMP, but the records have BIGINT; a number needs time-unit");
  BOOST_TEST(decode_all("c decimal(2,1)", file, avro()).bad.size() == 1U);  // a digit would be lost
}

BOOST_AUTO_TEST_CASE(snappy_is_read) {
  // "abcabcabcabc": a literal of 3, a copy of 9 from 3 back.
  std::string text;
  BOOST_TEST(decompress_snappy(std::string("\x0c\x08"
                                           "abc\x15\x03",
                                           7),
                               text));
  BOOST_TEST(text == "abcabcabcabc");
  BOOST_TEST(!decompress_snappy(std::string("\x0c\x08"
                                            "abc\x15\x04",
                                            7),
                                text));
  BOOST_TEST(!decompress_snappy(std::string("\x0d\x08"
                                            "abc\x15\x03",
                                            7),
                                text));
}

BOOST_AUTO_TEST_CASE(what_is_no_avro_says_so) {
  BOOST_TEST(decode_all("n bigint", "{\"n\":1}\n", avro()).status.what() ==
             "this is no file of Avro records: it does not begin with 'Obj'");
  std::string lzma = file_of(numbers(1), AvroCodec::kDeflate);
  lzma.replace(lzma.find("deflate"), 7, "deflatx");
  BOOST_TEST(decode_all("n bigint", lzma, avro()).status.what().find("null, deflate, zstandard and snappy") !=
             std::string::npos);
  BOOST_TEST(decode_all("n bigint", "", avro()).status.ok());
  BOOST_TEST(!decode_all("n bigint", "Obj\1", avro()).status.ok());
  for (const char* schema :
       {"", "{}", "[]", R"({"type":"record"})", R"({"type":"record","name":"r","fields":[{"name":"a","type":"r"}]})",
        R"([["null"]])", R"({"type":"array"})", R"("nothing")"}) {
    BOOST_TEST(!AvroSchema::parse(schema).ok(), schema);
  }
}

BOOST_AUTO_TEST_CASE(the_fingerprint_is_that_of_the_specification) {
  // From Avro's own schema tests.
  BOOST_TEST(AvroSchema::parse("\"null\"")->fingerprint() == 7195948357588979594ULL);
  BOOST_TEST(AvroSchema::parse(R"({"type":"fixed","name":"foo","size":15})")->canonical() ==
             R"({"name":"foo","type":"fixed","size":15})");
  BOOST_TEST(AvroSchema::parse(R"({"type":"fixed","name":"foo","size":15})")->fingerprint() == 1756455273707447556ULL);
}

BOOST_AUTO_TEST_CASE(names_that_avro_does_not_allow_are_refused) {
  BOOST_TEST(avro_schema_of(*schema_of("a1_b bigint"), false).ok());
  BOOST_TEST(!avro_schema_of(*schema_of("\"a b\" bigint"), false).ok());
  BOOST_TEST(!avro_schema_of(*schema_of("_op varchar"), true).ok());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(avro_messages)

namespace {

struct Messages {
  std::string text;
  std::vector<std::string> bad;
};

Messages read(const std::vector<std::string>& messages, AvroFraming framing, std::optional<std::uint32_t> id = {}) {
  Messages out;
  MessageFormat format;
  format.options.format = Format::kAvro;
  format.options.avro_schema = *avro_schema_of(*schema_of("n bigint, s varchar"), false);
  format.options.avro_framing = framing;
  format.options.avro_schema_id = id;
  format.payload = *schema_of("n bigint, s varchar");
  auto decoder = *MessageDecoder::make(format, schema_of("n bigint, s varchar"), [&](std::string reason, std::string) {
    out.bad.push_back(std::move(reason));
    return Status();
  });
  for (const std::string& message : messages) BOOST_TEST(decoder->add(message, {}).ok());
  out.text = text_of(decoder->finish());
  return out;
}

std::string message(AvroFraming framing, std::uint32_t id = 0) {
  BatchBuilder builder(schema_of("n bigint, s varchar"));
  builder.column(0).append(std::int64_t{10});  // a line feed among its bytes
  builder.column(1).append_bytes("\n");
  builder.end_row();
  const Batch batch = builder.finish();
  MessageEncoder encoder({MessageOutput::kAvro, ',', false, framing, id}, batch.schema);
  return std::string(encoder.encode(batch, 0));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_message_is_a_record_behind_its_frame) {
  for (const AvroFraming framing : {AvroFraming::kPlain, AvroFraming::kConfluent, AvroFraming::kSingleObject}) {
    const Messages found = read({message(framing, 7), message(framing, 7)}, framing);
    BOOST_TEST(found.text == "{\"n\":10,\"s\":\"\\n\"}\n{\"n\":10,\"s\":\"\\n\"}\n");
    BOOST_TEST(found.bad.empty());
  }
  BOOST_TEST(message(AvroFraming::kConfluent, 258).starts_with(std::string("\0\0\0\1\2", 5)));
}

BOOST_AUTO_TEST_CASE(a_message_of_another_schema_is_bad) {
  const Messages other = read({message(AvroFraming::kConfluent, 7)}, AvroFraming::kConfluent, 8);
  BOOST_TEST_REQUIRE(other.bad.size() == 1U);
  BOOST_TEST(other.bad[0] == "the message was written with schema 7, not with 8");
  const Messages framed = read({message(AvroFraming::kConfluent, 7)}, AvroFraming::kPlain);
  BOOST_TEST_REQUIRE(framed.bad.size() == 1U);
  BOOST_TEST(framed.bad[0].find("avro-framing confluent") != std::string::npos);
  std::string single = message(AvroFraming::kSingleObject);
  single[5] = static_cast<char>(single[5] ^ 1);
  BOOST_TEST(read({single}, AvroFraming::kSingleObject).bad[0].find("fingerprint") != std::string::npos);
  BOOST_TEST(read({message(AvroFraming::kPlain) + "x"}, AvroFraming::kPlain).bad.size() == 1U);
  BOOST_TEST(read({""}, AvroFraming::kPlain).bad.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
