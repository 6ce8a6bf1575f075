// FormatOptions: what `format:` and its companions say, for every byte source and sink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

enum class Format : std::uint8_t {
  kNdjson,    // one JSON object a line
  kCsv,       // RFC 4180: quotes, doubled quotes, newlines within quotes
  kText,      // one column `line`
  kRegex,     // named groups of `pattern` are columns
  kLogfmt,    // key=value key="quoted value" …
  kDebezium,  // one change of a row a line, as JSON: see debezium.h
  kAvro,      // files of Avro records, or messages of one each: see avro.h
};

// What stands in front of an Avro record that is a message.
enum class AvroFraming : std::uint8_t {
  kPlain,         // nothing
  kConfluent,     // a zero byte and the number of a schema in a registry, 4 bytes
  kSingleObject,  // C3 01 and the fingerprint of the schema, 8 bytes
};

enum class UnknownFields : std::uint8_t {
  kCount,  // fields outside the schema are counted and dropped
  kKeep,   // … kept as one JSON object in the column `_rest`
  kError,  // … make the record a bad one
};

enum class TimeUnit : std::uint8_t { kNone, kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

inline constexpr std::string_view kRestColumn = "_rest";
inline constexpr std::string_view kLineColumn = "line";

struct FormatOptions {
  Format format = Format::kNdjson;
  char delimiter = ',';                  // CSV
  bool header = true;                    // CSV: the first record names the columns
  std::string pattern;                   // regex: RE2 with named groups, matched anywhere in the line
  std::string zone = "UTC";              // of times without an offset: IANA name or "local"
  std::string time_format;               // strptime-like; "" = RFC 3339 / ISO 8601
  TimeUnit time_unit = TimeUnit::kNone;  // of times given as numbers; none = such times are bad
  UnknownFields unknown_fields = UnknownFields::kCount;
  std::uint64_t record_size_max = 16ULL << 20;  // bytes; longer ones are bad records
  std::vector<std::string> key;                 // Debezium: the columns that identify a row
  std::string avro_schema;                      // of messages, as JSON; "" = a file, which says it itself
  AvroFraming avro_framing = AvroFraming::kPlain;
  std::optional<std::uint32_t> avro_schema_id;  // Confluent: the only one that is good; none = any
};

// "ndjson" (also "json", "jsonl"), "csv", "text", "regex", "logfmt", "debezium-json", "avro". Errors: kUsage,
// naming the nearest.
Result<Format> parse_format(std::string_view name);
std::string_view format_name(Format format);

// Whether its records are the changes of rows, so that the rows are a changelog.
constexpr bool is_changelog(Format format) { return format == Format::kDebezium; }

// "count", "keep", "error" / "s", "ms", "us", "ns" ("" = none). Errors: kUsage.
Result<UnknownFields> parse_unknown_fields(std::string_view text);
Result<TimeUnit> parse_time_unit(std::string_view text);

// "plain", "confluent", "single-object". Errors: kUsage.
Result<AvroFraming> parse_avro_framing(std::string_view text);

// One byte, or "tab" or "\t". Errors: kUsage.
Result<char> parse_delimiter(std::string_view text);

// By the ending, below .gz, .zst or .zstd: .csv and .tsv are CSV, .avro Avro, .logfmt logfmt, .log and .txt
// text, everything else NDJSON.
Format format_from_path(std::string_view path);
// '\t' for .tsv (compressed or not), else ','.
char delimiter_from_path(std::string_view path);

// Checks what can be checked without data: the pattern, the time format, the zone.
// Errors: kUsage, "pattern: …", "time-format: …" or "zone: …".
Status check_format_options(const FormatOptions& options);

}  // namespace stream
