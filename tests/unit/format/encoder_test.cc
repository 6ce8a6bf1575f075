#include <boost/test/unit_test.hpp>

#include <cmath>
#include <random>

#include "stages/format/encode_table.h"
#include "stages/format/number.h"
#include "stages/format/value.h"
#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

namespace {

std::string encoded(const Batch& batch, const EncoderOptions& options) {
  ByteBuilder out;
  const auto encoder = make_encoder(options, batch.schema);
  if (batch.rows != 0) encoder->encode(batch, out);
  encoder->finish(out);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

Batch changes() {
  BatchBuilder builder(schema_of("n bigint, s varchar"));
  int n = 0;
  for (const RowKind kind : {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter, RowKind::kDelete}) {
    builder.column(0).append<std::int64_t>(n++);
    n == 2 ? builder.column(1).append_null() : builder.column(1).append_bytes("x,\"y\"");
    builder.end_row(kind);
  }
  return builder.finish();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(encoders)

BOOST_AUTO_TEST_CASE(changelogs_carry_their_row_kind) {
  EncoderOptions options;
  options.row_kinds = true;
  BOOST_TEST(encoded(changes(), options) ==
             "{\"_op\":\"+I\",\"n\":0,\"s\":\"x,\\\"y\\\"\"}\n{\"_op\":\"-U\",\"n\":1,\"s\":null}\n"
             "{\"_op\":\"+U\",\"n\":2,\"s\":\"x,\\\"y\\\"\"}\n{\"_op\":\"-D\",\"n\":3,\"s\":\"x,\\\"y\\\"\"}\n");
  options.format = OutputFormat::kCsv;
  BOOST_TEST(encoded(changes(), options) ==
             "_op,n,s\n+I,0,\"x,\"\"y\"\"\"\n-U,1,\n+U,2,\"x,\"\"y\"\"\"\n-D,3,\"x,\"\"y\"\"\"\n");
}

// Sixteen bytes at a time: a comma anywhere in a text of any length.
BOOST_AUTO_TEST_CASE(csv_quotes_texts_wherever_they_need_it) {
  EncoderOptions options;
  options.format = OutputFormat::kCsv;
  options.header = false;
  for (std::size_t size = 1; size < 50; ++size) {
    for (std::size_t at = 0; at <= size; ++at) {
      for (const char special : {',', '"', '\n', '\r'}) {
        std::string text(size, 'x');
        if (at < size) text[at] = special;
        std::string wanted = text;
        if (at < size && special == '"') wanted.insert(at, 1, '"');
        if (at < size) wanted = "\"" + wanted + "\"";
        BatchBuilder builder(schema_of("s varchar"));
        builder.column(0).append_bytes(text);
        builder.end_row();
        BOOST_REQUIRE_EQUAL(encoded(builder.finish(), options), wanted + "\n");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_output_without_rows_still_has_its_header) {
  EncoderOptions options;
  options.format = OutputFormat::kCsv;
  BOOST_TEST(encoded(Batch{schema_of("a bigint, \"b c\" varchar"), 0, {}, {}}, options) == "a,b c\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_number_becomes_null_and_is_counted) {
  BatchBuilder builder(schema_of("d double"));
  for (const double value : {double{NAN}, double{INFINITY}, -double{INFINITY}, -0.0, 0.1, 1e300}) {
    builder.column(0).append(value);
    builder.end_row();
  }
  const auto encoder = make_encoder({}, builder.schema());
  ByteBuilder out;
  encoder->encode(builder.finish(), out);
  BOOST_TEST(std::string(reinterpret_cast<const char*>(out.data()), out.size()) ==
             "{\"d\":null}\n{\"d\":null}\n{\"d\":null}\n{\"d\":-0}\n{\"d\":0.1}\n{\"d\":1e+300}\n");
  BOOST_TEST(encoder->counters().not_finite == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_equal) {
  const char* schema =
      "b boolean, i bigint, d double, m decimal(38,10), s varchar, t timestamp, e date, v interval, x blob";
  std::mt19937_64 random(3);
  BatchBuilder builder(schema_of(schema));
  for (int row = 0; row < 500; ++row) {
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i) text += static_cast<char>(1 + random() % 127);
    double number = 0;
    const std::uint64_t bits = random();
    std::memcpy(&number, &bits, sizeof number);
    builder.column(0).append<std::uint8_t>(row % 2);
    builder.column(1).append(static_cast<std::int64_t>(random()));
    std::isfinite(number) ? builder.column(2).append(number) : builder.column(2).append_null();
    builder.column(3).append(static_cast<Decimal>(static_cast<std::int64_t>(random())) * 1'000'003);
    builder.column(4).append_bytes(text);
    builder.column(5).append(static_cast<std::int64_t>(random() % 250'000'000'000'000'000));
    builder.column(6).append(static_cast<std::int32_t>(random() % 2'000'000));
    builder.column(7).append(Interval{static_cast<std::int32_t>(random() % 1000) - 500,
                                      static_cast<std::int32_t>(random() % 100) - 50,
                                      static_cast<std::int64_t>(random() % 1'000'000'000'000) - 500'000'000'000});
    builder.column(8).append_bytes(text);
    builder.end_row();
  }
  const Batch batch = builder.finish();
  const std::string json = encoded(batch, {});
  BOOST_TEST(decode_all(schema, json).text == json);
  EncoderOptions csv;
  csv.format = OutputFormat::kCsv;
  FormatOptions read_csv;
  read_csv.format = Format::kCsv;
  const Run run = decode_all(schema, encoded(batch, csv), with(read_csv));
  BOOST_TEST(run.bad.empty());
  BOOST_TEST(run.text == json);
}

BOOST_AUTO_TEST_CASE(tables_align_cut_and_show_null) {
  EncoderOptions options;
  options.format = OutputFormat::kTable;
  BatchBuilder builder(schema_of("n bigint, name varchar"));
  builder.column(0).append<std::int64_t>(7);
  builder.column(1).append_bytes("日本\n");
  builder.end_row();
  builder.column(0).append_null();
  builder.column(1).append_bytes(std::string(200, 'x'));
  builder.end_row();
  const std::string text = encoded(builder.finish(), options);
  BOOST_TEST(text ==
             "   n  name\n----  " + std::string(74, '-') + "\n   7  日本·\nNULL  " + std::string(73, 'x') + "…\n");
}

BOOST_AUTO_TEST_CASE(display_width_knows_wide_and_combining_characters) {
  BOOST_TEST(format::display_width("abc") == 3u);
  BOOST_TEST(format::display_width("日本") == 4u);
  BOOST_TEST(format::display_width("e\xcc\x81") == 1u);
  BOOST_TEST(format::display_width("\xff") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(doubles_are_rounded_correctly) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    std::string text = std::to_string(random() >> (random() % 64)) + "." + std::to_string(random() >> (random() % 64));
    if (i % 4 == 0) text += "e" + std::to_string(static_cast<int>(random() % 600) - 300);
    if (i % 2 == 0) text = "-" + text;
    const std::string padded = text + std::string(64, ' ');
    double value = 0;
    const char* end = format::read_json_double(padded.c_str(), value);
    const double expected = std::strtod(text.c_str(), nullptr);
    if (std::isinf(expected)) {
      BOOST_REQUIRE(end == nullptr);
    } else {
      BOOST_REQUIRE(end == padded.c_str() + text.size());
      BOOST_REQUIRE_MESSAGE(value == expected, text);
    }
  }
}

BOOST_AUTO_TEST_CASE(decimals_print_and_parse) {
  const auto round_trip = [](std::string_view text, std::uint8_t precision, std::uint8_t scale) -> std::string {
    Decimal value = 0;
    if (!format::parse_decimal(text, precision, scale, value)) return "bad";
    char out[format::kDecimalSize];
    return {out, format::print_decimal(out, value, scale)};
  };
  BOOST_TEST(round_trip("-0.05", 5, 2) == "-0.05");
  BOOST_TEST(round_trip("5", 5, 0) == "5");
  BOOST_TEST(round_trip("+1.5e1", 5, 2) == "15.00");
  BOOST_TEST(round_trip("99999999999999999999999999999999999999", 38, 0) == "99999999999999999999999999999999999999");
  BOOST_TEST(round_trip("100000000000000000000000000000000000000", 38, 0) == "bad");
  BOOST_TEST(round_trip("0.00000000000000000000000000000000000001", 38, 38) ==
             "0.00000000000000000000000000000000000001");
  for (const char* bad : {"", ".", "-", "1e", "1e+-2", "--1", "1.2.3", " 1", "1 "})
    BOOST_TEST(round_trip(bad, 38, 2) == "bad", bad);
}

BOOST_AUTO_TEST_CASE(base64_is_inverse_and_strict) {
  std::string bytes;
  for (int size = 0; size < 70; ++size) {
    std::string text(format::base64_size(bytes.size()), '\0');
    format::encode_base64(text.data(), bytes);
    std::string back;
    BOOST_TEST(format::decode_base64(text, back));
    BOOST_TEST(back == bytes);
    bytes += static_cast<char>(size * 37);
  }
  std::string out;
  for (const char* bad : {"a", "ab", "abc", "a===", "ab=c", "aGk*", "aGl="}) {
    out.clear();
    BOOST_TEST(!format::decode_base64(bad, out), bad);
  }
}

BOOST_AUTO_TEST_SUITE_END()
