#include <zlib.h>
#include <zstd.h>
#include <boost/test/unit_test.hpp>

#include "stages/format/byte_reader.h"
#include "stages/format/options.h"

using namespace stream;

namespace {

std::string gzip(std::string_view text) {
  z_stream state{};
  deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string read_all(std::string_view bytes, std::size_t chunk) {
  auto reader = detecting_reader(memory_reader(bytes));
  if (!reader.ok()) return reader.status().what();
  std::string text;
  std::string part(chunk, '\0');
  for (;;) {
    const auto count = (*reader)->read(part.data(), chunk);
    if (!count.ok()) return "error: " + count.status().what();
    if (*count == 0) return text;
    text.append(part, 0, *count);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(byte_readers)

BOOST_AUTO_TEST_CASE(compression_is_detected_and_undone_in_any_chunk_size) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
    BOOST_TEST((read_all(text, chunk) == text));
    BOOST_TEST((read_all(gzip(text), chunk) == text));
    BOOST_TEST((read_all(zstd(text), chunk) == text));
    BOOST_TEST((read_all(gzip(text) + gzip("more"), chunk) == text + "more"));
    BOOST_TEST((read_all(zstd(text) + zstd("more"), chunk) == text + "more"));
  }
  for (const char* small : {"", "a", "ab", "\x1f"}) BOOST_TEST(read_all(small, 10) == small);
  BOOST_TEST(read_all(gzip(""), 10) == "");
  BOOST_TEST(read_all(zstd(""), 10) == "");
}

BOOST_AUTO_TEST_CASE(compressed_data_that_is_cut_or_broken_is_an_error_at_every_byte) {
  for (const std::string& whole : {gzip("hello, hello, hello"), zstd("hello, hello, hello")}) {
    for (std::size_t size = 4; size < whole.size(); ++size) {
      BOOST_TEST(read_all(whole.substr(0, size), 100).starts_with("error: "), size);
    }
  }
  std::string broken = gzip("hello, hello, hello");
  broken[12] = static_cast<char>(broken[12] ^ 0xff);
  BOOST_TEST(read_all(broken, 100).starts_with("error: "));
}

BOOST_AUTO_TEST_CASE(skipping_beyond_the_end_is_an_error) {
  auto reader = memory_reader("12345");
  BOOST_TEST(skip_bytes(*reader, 3).ok());
  BOOST_TEST((skip_bytes(*reader, 3).code() == Code::kBadRecord));
}

BOOST_AUTO_TEST_CASE(formats_and_delimiters_come_from_the_path) {
  BOOST_TEST((format_from_path("a/b.csv.gz") == Format::kCsv));
  BOOST_TEST((format_from_path("b.TSV.zst") == Format::kCsv));
  BOOST_TEST(delimiter_from_path("b.TSV.zst") == '\t');
  BOOST_TEST((format_from_path("access.log") == Format::kText));
  BOOST_TEST((format_from_path("x.ndjson") == Format::kNdjson));
  BOOST_TEST((format_from_path("-") == Format::kNdjson));
  BOOST_TEST(parse_format("ndjsn").status().what() == "unknown format 'ndjsn'; did you mean 'ndjson'?");
  BOOST_TEST(*parse_delimiter("tab") == '\t');
  BOOST_TEST(!parse_delimiter("ab").ok());
  BOOST_TEST(!parse_time_unit("min").ok());
}

BOOST_AUTO_TEST_CASE(options_are_checked_before_data_is_seen) {
  FormatOptions options;
  options.zone = "Mars/Base";
  BOOST_TEST(check_format_options(options).what().starts_with("zone: unknown time zone 'Mars/Base'"));
  options = {};
  options.time_format = "%Q";
  BOOST_TEST(check_format_options(options).what() == "time-format: unknown conversion '%Q' at offset 0");
  options = {};
  options.format = Format::kRegex;
  BOOST_TEST(check_format_options(options).what() == "pattern: required with format regex");
  options.pattern = "a(b";
  BOOST_TEST(check_format_options(options).what() == "pattern: missing ): a(b");
  options.pattern = "a(b)";
  BOOST_TEST(check_format_options(options).what() == "pattern: has no named group; write (?P<name>…)");
}

BOOST_AUTO_TEST_SUITE_END()
