#include <simdjson.h>
#include <boost/test/unit_test.hpp>

#include <random>

#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

namespace {

constexpr const char* kEveryType =
    "b boolean, i bigint, d double, m decimal(10,2), s varchar, t timestamp, e date, j json, x blob, v interval";

Run slow(std::string_view schema, std::string_view input, RunOptions options = {}) {
  options.speculate = false;
  return decode_all(schema, input, options);
}

// One bad record, whose report begins with "1:0: ".
std::string reason_of(std::string_view schema, std::string input) {
  const Run run = decode_all(schema, input + "\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 1u, input);
  BOOST_TEST(run.text == "");
  return run.bad[0].substr(5);
}

bool accepted(std::string_view schema, std::string_view record) {
  const Run run = decode_all(schema, record);
  return run.bad.empty() && run.counters.records == 1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ndjson)

BOOST_AUTO_TEST_CASE(every_type_is_read_and_printed) {
  const Run run = decode_all(
      kEveryType,
      R"({"b":true,"i":-12,"d":1.5e3,"m":"12.50","s":"a\u00e9\n","t":"2024-02-29T12:00:00.123456789+02:00","e":"2024-02-29","j":{"k":[1, 2]},"x":"aGk=","v":"1 day 02:00"})"
      "\n"
      "{}\n");
  BOOST_TEST(
      run.text ==
      R"({"b":true,"i":-12,"d":1500,"m":"12.50","s":"aé\n","t":"2024-02-29T10:00:00.123456Z","e":"2024-02-29","j":{"k":[1, 2]},"x":"aGk=","v":"1 day 02:00:00"})"
      "\n"
      R"({"b":null,"i":null,"d":null,"m":null,"s":null,"t":null,"e":null,"j":null,"x":null,"v":null})"
      "\n");
  BOOST_TEST(run.bad.empty());
}

BOOST_AUTO_TEST_CASE(what_a_bigint_takes_is_exact) {
  for (const char* good :
       {"0", "-0", "9223372036854775807", "-9223372036854775808", "12345678", "123456789012345678"}) {
    BOOST_TEST(accepted("i bigint", std::string("{\"i\":") + good + "}"), good);
  }
  for (const char* bad : {"9223372036854775808", "-9223372036854775809", "99999999999999999999999999", "1.0", "1e3",
                          "007", "\"12\"", "true", "-", "+1", "1x", "[1]", "00000000000000000000000001"}) {
    BOOST_TEST(!accepted("i bigint", std::string("{\"i\":") + bad + "}"), bad);
  }
}

BOOST_AUTO_TEST_CASE(integers_of_every_length_keep_their_value) {
  std::string digits;
  for (int length = 1; length <= 18; ++length) {
    digits += static_cast<char>('0' + length % 10);
    for (const std::string& text : {digits, "-" + digits}) {
      BOOST_TEST(decode_all("i bigint", "{\"i\":" + text + "}").text == "{\"i\":" + text + "}\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_records_say_why_and_the_others_are_kept) {
  const Run run = decode_all("n bigint", "{\"n\":1}\n{\"n\":1.5}\nnonsense\n\n  \n{\"n\":2}\n");
  BOOST_TEST(run.text == "{\"n\":1}\n{\"n\":2}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 2u);
  BOOST_TEST(run.bad[0] == "2:8: column 'n': not a valid BIGINT: 1.5: {\"n\":1.5}");
  BOOST_TEST(run.bad[1] == "3:18: not a JSON object: nonsense");
  BOOST_TEST(run.counters.bad_records == 2u);
}

BOOST_AUTO_TEST_CASE(an_integer_too_large_says_how_to_declare_it) {
  BOOST_TEST(reason_of("id bigint", "{\"id\":18446744073709551615}")
                 .starts_with("column 'id': not a valid BIGINT: 18446744073709551615 (too large: declare the column as "
                              "decimal(38,0))"));
}

BOOST_AUTO_TEST_CASE(broken_structure_is_a_bad_record) {
  for (const char* record : {"{",
                             "{\"n\"",
                             "{\"n\":",
                             "{\"n\":1",
                             "{\"n\":1,",
                             "{\"n\":1,}",
                             "{\"n\":1}}",
                             "{\"n\":1}x",
                             "[1]",
                             "{\"n\" 1}",
                             "{n:1}",
                             "{\"n\":1 \"m\":2}",
                             "{\"n\":}",
                             "{\"x\":[1}",
                             "{\"x\":{]}",
                             "{\"x\":\"a}",
                             "{\"x\":\"a\\\"}",
                             "{\"n\":nullx}",
                             "{\"n\":1]",
                             "{,}",
                             "{\"n\":1,,\"m\":2}"}) {
    BOOST_TEST(!accepted("n bigint", record), record);
  }
}

BOOST_AUTO_TEST_CASE(texts_with_bad_bytes_are_bad_records_only_if_wanted) {
  const std::vector<std::string> inside = {"\xff",    "\xc3",           "\xed\xa0\x80", "\\u0000",
                                           "\\ud800", "\\udc00\\ud800", "\\x",          "\\u12g4"};
  for (const std::string& text : inside) {
    const std::string record = "{\"n\":1,\"s\":\"" + text + "\"}";
    BOOST_TEST(!accepted("n bigint, s varchar", record), text);
    RunOptions narrow;
    narrow.wanted = "n";
    BOOST_TEST(decode_all("n bigint, s varchar", record, narrow).text == "{\"n\":1}\n", text);
  }
  BOOST_TEST(!accepted("s varchar", std::string_view("{\"s\":\"a\0b\"}", 11)));
  BOOST_TEST(!accepted("s varchar", "{\"s\":\"a\tb\"}"));
}

BOOST_AUTO_TEST_CASE(escapes_and_surrogate_pairs_are_undone) {
  BOOST_TEST(decode_all("s varchar", R"({"s":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"})").text ==
             "{\"s\":\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA😀\"}\n");
}

BOOST_AUTO_TEST_CASE(keys_may_have_escapes_and_the_last_of_equal_keys_counts) {
  for (const bool speculate : {true, false}) {
    RunOptions options;
    options.speculate = speculate;
    const Run run = decode_all(
        "n bigint",
        "{\"n\":1,\"n\":2}\n{\"\\u006e\":3}\n{\"n\":4,\"n\":5}\n{\"n\":\"x\",\"n\":6}\n{\"n\":7,\"n\":null}\n",
        options);
    BOOST_TEST(run.text == "{\"n\":2}\n{\"n\":3}\n{\"n\":5}\n{\"n\":6}\n{\"n\":null}\n");
  }
}

BOOST_AUTO_TEST_CASE(json_columns_hold_only_valid_json) {
  for (const char* good : {"{}", "[]", "[1,{\"a\":null}]", "\"x\"", "1.5e+3", "true", "{ \"a\" : [ ] }"}) {
    BOOST_TEST(decode_all("j json", std::string("{\"j\":") + good + "}").text == std::string("{\"j\":") + good + "}\n");
  }
  for (const char* bad :
       {"[1,]", "{\"a\":}", "{1:2}", "tru", "01", "[1 2]", "\"\\q\"", "\"\xff\"", "{\"a\":1,}", "[\"\t\"]"}) {
    BOOST_TEST(!accepted("j json", std::string("{\"j\":") + bad + "}"), bad);
  }
}

BOOST_AUTO_TEST_CASE(nesting_is_limited_not_the_stack) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  const std::string deeper = std::string(100'000, '[') + std::string(100'000, ']');
  BOOST_TEST(accepted("j json", "{\"j\":" + deep + "}"));
  BOOST_TEST(!accepted("j json", "{\"j\":" + deeper + "}"));
  BOOST_TEST(!accepted("n bigint", "{\"j\":" + deeper + "}"));
}

BOOST_AUTO_TEST_CASE(other_values_in_a_varchar_keep_their_text) {
  BOOST_TEST(decode_all("s varchar", "{\"s\":1.50}\n{\"s\":true}\n{\"s\":[1, 2]}\n{\"s\":null}").text ==
             "{\"s\":\"1.50\"}\n{\"s\":\"true\"}\n{\"s\":\"[1, 2]\"}\n{\"s\":null}\n");
  BOOST_TEST(!accepted("s varchar", "{\"s\":nonsense}"));
}

BOOST_AUTO_TEST_CASE(numbers_are_times_only_with_a_unit) {
  BOOST_TEST(reason_of("t timestamp", "{\"t\":1700000000}") ==
             "column 't': not a valid TIMESTAMP: 1700000000 (a number needs time-unit): {\"t\":1700000000}");
  FormatOptions options;
  options.time_unit = TimeUnit::kMilliseconds;
  BOOST_TEST(decode_all("t timestamp", "{\"t\":1700000000123}", with(options)).text ==
             "{\"t\":\"2023-11-14T22:13:20.123Z\"}\n");
}

BOOST_AUTO_TEST_CASE(decimals_are_exact_or_bad) {
  for (const char* good : {"1", "1.5", "\"1.50\"", "12345678.99", "-0.01", "1e2", "150e-2", "1.500"}) {
    BOOST_TEST(accepted("m decimal(10,2)", std::string("{\"m\":") + good + "}"), good);
  }
  for (const char* bad : {"1.005", "123456789", "\"\"", "\"1,5\"", "true", "1e-3", "1e400"}) {
    BOOST_TEST(!accepted("m decimal(10,2)", std::string("{\"m\":") + bad + "}"), bad);
  }
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_counted_kept_or_refused) {
  const std::string input = "{\"n\":1,\"x\":[1],\"y\":\"z\"}\n{\"n\":2}\n{\"n\":3,\"x\":[2],\"y\":\"w\"}\n";
  BOOST_TEST(decode_all("n bigint", input).counters.unknown_fields == 4u);
  FormatOptions options;
  options.unknown_fields = UnknownFields::kKeep;
  BOOST_TEST(decode_all("n bigint, _rest json", input, with(options)).text ==
             "{\"n\":1,\"_rest\":{\"x\":[1],\"y\":\"z\"}}\n{\"n\":2,\"_rest\":null}\n{\"n\":3,\"_rest\":{\"x\":[2],"
             "\"y\":\"w\"}}\n");
  options.unknown_fields = UnknownFields::kError;
  const Run run = decode_all("n bigint", input, with(options));
  BOOST_TEST(run.text == "{\"n\":2}\n");
  BOOST_TEST_REQUIRE(run.bad.size() == 2u);
  BOOST_TEST(run.bad[0].starts_with("1:0: unknown field 'x'"));
}

BOOST_AUTO_TEST_CASE(byte_order_mark_crlf_and_missing_last_newline_are_accepted) {
  const Run run = decode_all("n bigint", "\xef\xbb\xbf{\"n\":1}\r\n{\"n\":2}");
  BOOST_TEST(run.text == "{\"n\":1}\n{\"n\":2}\n");
  BOOST_TEST(run.position == 19u);
  BOOST_TEST_REQUIRE(run.extents.size() == 2u);
  BOOST_TEST(run.extents[0].offset == 3u);
  BOOST_TEST(run.extents[0].size == 9u);
  BOOST_TEST(run.extents[1].size == 7u);
}

BOOST_AUTO_TEST_CASE(records_beyond_the_limit_are_bad_in_pieces_and_whole) {
  FormatOptions options;
  options.record_size_max = 100;
  const std::string input =
      "{\"n\":1}\n{\"n\":2,\"s\":\"" + std::string(500, 'x') + "\"}\n{\"n\":3}\n" + std::string(300, 'y');
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{90}, std::size_t{150}, SIZE_MAX}) {
    RunOptions run_options = with(options);
    run_options.piece = piece;
    const Run run = decode_all("n bigint", input, run_options);
    BOOST_TEST(run.text == "{\"n\":1}\n{\"n\":3}\n", piece);
    BOOST_TEST_REQUIRE(run.bad.size() == 2u, piece);
    BOOST_TEST(run.bad[0].starts_with("2:8: longer than 100 bytes: {\"n\":2"), run.bad[0]);
    BOOST_TEST(run.bad[1].starts_with("4:"), run.bad[1]);
    BOOST_TEST(run.position == input.size());
  }
}

BOOST_AUTO_TEST_CASE(a_position_never_passes_a_record_that_is_still_being_skipped) {
  FormatOptions options;
  options.record_size_max = 16;
  const SchemaPtr schema = schema_of("n bigint");
  auto decoder = *make_decoder({options, schema, schema, [](BadInput) { return Status(); }});
  BatchBuilder batch(schema);
  InputBuffer buffer;
  buffer.append("{\"n\":1}\n" + std::string(40, 'x'));
  buffer.consume(*decoder->decode(buffer.bytes(), false, batch));
  BOOST_TEST(buffer.bytes().empty());
  BOOST_TEST(decoder->position() == 8u);
  buffer.append("xx\n");
  buffer.consume(*decoder->decode(buffer.bytes(), false, batch));
  BOOST_TEST(decoder->position() == 51u);
}

BOOST_AUTO_TEST_CASE(a_stop_from_the_callback_ends_decoding) {
  const SchemaPtr schema = schema_of("n bigint");
  auto decoder = *make_decoder({{}, schema, schema, {}});
  BatchBuilder batch(schema);
  InputBuffer buffer;
  buffer.append("{\"n\":1}\nbad\n{\"n\":2}\n");
  const auto result = decoder->decode(buffer.bytes(), true, batch);
  BOOST_TEST(!result.ok());
  BOOST_TEST((result.status().code() == Code::kBadRecord));
  BOOST_TEST(result.status().what() == "line 2: not a JSON object");
  BOOST_TEST(batch.rows() == 1u);
}

BOOST_AUTO_TEST_CASE(batches_end_at_their_target_and_no_record_is_lost_between) {
  std::string input;
  for (int i = 0; i < 40'000; ++i) input += "{\"n\":" + std::to_string(i) + ",\"s\":\"some text to fill\"}\n";
  const SchemaPtr schema = schema_of("n bigint, s varchar");
  auto decoder = *make_decoder({{}, schema, schema, {}});
  BatchBuilder batch(schema);
  InputBuffer buffer;
  buffer.append(input);
  std::int64_t next = 0;
  while (!buffer.bytes().empty()) {
    buffer.consume(*decoder->decode(buffer.bytes(), true, batch));
    BOOST_TEST(decoder->position() == input.size() - buffer.bytes().size());
    const Batch rows = batch.finish();
    BOOST_TEST(rows.size_bytes() < kBatchBytesTarget + 16 * 1024);
    for (std::size_t i = 0; i < rows.rows; ++i) BOOST_REQUIRE(rows.columns[0].value<std::int64_t>(i) == next++);
  }
  BOOST_TEST(next == 40'000);
}

BOOST_AUTO_TEST_SUITE_END()

// --- the same records by layout and by key --------------------------------------------------------

namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string text() {
    static const char* parts[] = {
        "a", "ä",    "\\n",           "\\u00e9", "{", "}", "[", ",", ":", "\\\"", " ", "long text without end ",
        "😀", "\\\\", "\\ud83d\\ude00"};
    std::string out = "\"";
    for (std::size_t i = below(6); i > 0; --i) out += parts[below(std::size(parts))];
    return out + "\"";
  }

  std::string value(int depth = 0) {
    switch (below(depth > 2 ? 7 : 10)) {
      case 0: return "null";
      case 1: return below(2) != 0 ? "true" : "false";
      case 2: return std::to_string(static_cast<std::int64_t>(random_()) >> below(64));
      case 3: return std::to_string(below(1000)) + "." + std::to_string(below(100'000));
      case 4: return "\"2024-0" + std::to_string(1 + below(9)) + "-11T10:11:12." + std::to_string(below(1000)) + "Z\"";
      case 5: return std::to_string(below(10)) + "e" + std::to_string(below(30));
      case 6: return text();
      case 7: return "[" + value(depth + 1) + "," + value(depth + 1) + "]";
      case 8: return "{}";
      default: return "{" + text() + ":" + value(depth + 1) + "}";
    }
  }

  std::string record(bool same_layout) {
    static const char* keys[] = {"b", "i", "d", "m", "s", "t", "e", "j", "other", "x", "more"};
    std::string out = "{";
    const bool spaced = !same_layout && below(4) == 0;
    for (const char* key : keys) {
      if (!same_layout && below(5) == 0) continue;
      if (out.size() > 2) out += spaced ? ", " : ",";
      out += std::string("\"") + key + (spaced ? "\" : " : "\":") + fitting(key);
    }
    return out + "}\n";
  }

  // Mostly a value of the key's type.
  std::string fitting(std::string_view key) {
    if (below(20) == 0) return value();
    if (key == "b") return below(2) != 0 ? "true" : "null";
    if (key == "i") return std::to_string(static_cast<std::int64_t>(random_()) >> below(64));
    if (key == "d") return std::to_string(below(1000)) + "." + std::to_string(below(100'000));
    if (key == "m") return "\"" + std::to_string(below(1000)) + ".25\"";
    if (key == "t") return "\"2024-01-01 10:11:12\"";
    if (key == "e") return "\"2024-01-31\"";
    if (key == "s") return text();
    return value();
  }

  void mutate(std::string& input) {
    static const char bytes[] = "{}[]\",:\\ 01x-.e\n\t\xff\x00u";
    for (std::size_t i = 1 + below(3); i > 0 && !input.empty(); --i) {
      const std::size_t at = below(input.size());
      switch (below(3)) {
        case 0: input[at] = bytes[below(sizeof bytes)]; break;
        case 1: input.erase(at, 1 + below(3)); break;
        default: input.insert(at, 1, bytes[below(sizeof bytes)]);
      }
    }
  }

 private:
  std::mt19937_64 random_;
};

void check_equal(const Run& a, const Run& b, std::string_view input) {
  BOOST_REQUIRE_MESSAGE(a.text == b.text, "rows differ for:\n" << input << "\n" << a.text << "\n" << b.text);
  BOOST_REQUIRE_MESSAGE(a.bad == b.bad, "bad records differ for:\n" << input);
  BOOST_REQUIRE(a.counters.unknown_fields == b.counters.unknown_fields);
  BOOST_REQUIRE(a.position == b.position);
}

std::string some_input(Generator& generator, bool mutated) {
  std::string input;
  const bool same = generator.below(3) != 0;
  for (std::size_t i = 2 + generator.below(8); i > 0; --i) {
    std::string record = generator.record(same);
    if (mutated && generator.below(3) == 0) generator.mutate(record);
    input += record;
  }
  return input;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ndjson_fast_path)

BOOST_AUTO_TEST_CASE(generated_and_mutated_records_give_the_same_rows_with_and_without_layouts) {
  static const char* wanted[] = {"", "i", "s,i", "t,j,b", "m,e,d", "x"};
  Generator generator(20240229);
  for (int round = 0; round < 6000; ++round) {
    const std::string input = some_input(generator, round % 2 == 1);
    RunOptions options;
    options.wanted = wanted[generator.below(std::size(wanted))];
    check_equal(decode_all(kEveryType, input, options), slow(kEveryType, input, options), input);
  }
}

BOOST_AUTO_TEST_CASE(pieces_cut_at_every_byte_give_the_same_rows) {
  Generator generator(7);
  for (int round = 0; round < 12; ++round) {
    const std::string input = some_input(generator, round % 2 == 1);
    const Run whole = decode_all(kEveryType, input);
    for (std::size_t piece = 1; piece < input.size(); piece += piece < 64 ? 1 : 13) {
      RunOptions options;
      options.piece = piece;
      check_equal(whole, decode_all(kEveryType, input, options), input);
    }
  }
}

// What a strict parser takes for an object is taken here as well, and what is kept whole is valid.
BOOST_AUTO_TEST_CASE(an_independent_parser_agrees) {
  Generator generator(99);
  simdjson::dom::parser parser;
  int valid = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string record = generator.record(false);
    if (round % 2 == 1) generator.mutate(record);
    if (record.find('\n') != record.size() - 1) continue;
    simdjson::dom::object object;
    const auto error = parser.parse(simdjson::padded_string(record)).get(object);
    if (error == simdjson::NUMBER_ERROR) continue;  // it also limits the size
    const bool good = error == simdjson::SUCCESS;
    valid += good;
    FormatOptions format;
    format.unknown_fields = UnknownFields::kKeep;
    const Run run = decode_all("_rest json", record, with(format));
    // Here everything is unknown, so everything is validated.
    BOOST_REQUIRE_MESSAGE((run.counters.records == 1) == good || record == "\n", record);
    if (good && object.size() > 0) {
      simdjson::dom::parser second;
      BOOST_REQUIRE(second.parse(simdjson::padded_string(run.text)).error() == simdjson::SUCCESS);
    }
  }
  BOOST_TEST(valid > 3000);
}

BOOST_AUTO_TEST_SUITE_END()
