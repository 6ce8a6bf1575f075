// ValueReader: one value, as JSON or as plain text, appended to the column it belongs to.
//
// All fast paths and slow paths end here, so that they cannot differ in what they make of a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "stages/format/json_skip.h"
#include "stages/format/timestamp.h"
#include "transport/record/column.h"

namespace stream::format {

// Whether [begin, end) is one JSON value, by the whole grammar, valid UTF-8 included.
bool valid_json(const char* begin, const char* end);
// Appends the unescaped text of a JSON string's inside. False for bad escapes and lone surrogates.
bool unescape_json(std::string_view inside, std::string& out);

bool valid_utf8(std::string_view text);

// "1 year 2 mons -3 days 04:05:06.789", as print_interval() and PostgreSQL write it, any part missing.
bool parse_interval(std::string_view text, Interval& value);
inline constexpr std::size_t kIntervalSize = 80;
char* print_interval(char* to, const Interval& value);

bool decode_base64(std::string_view text, std::string& out);
char* encode_base64(char* to, std::string_view bytes);  // writes (size + 2) / 3 * 4 bytes
inline constexpr std::size_t base64_size(std::size_t size) { return (size + 2) / 3 * 4; }

class ValueReader {
 public:
  // What `rules` points to must outlive the reader.
  explicit ValueReader(const TimeRules& rules) : rules_(rules) {}

  // Reads the JSON value at p and appends it, null as NULL. Returns the byte behind it, or null if it
  // is no value of the column's type; the column may then hold a value too many (drop_row()).
  const char* read_json(const char* p, ColumnBuilder& out);

  // Appends the text of a field. False if it is no value of the column's type.
  bool read_text(std::string_view text, ColumnBuilder& out);

  std::uint64_t ambiguous_times() const { return ambiguous_; }

 private:
  const char* read_json_string(const char* p, ColumnBuilder& out);
  const char* read_json_varchar(const char* p, ColumnBuilder& out);
  const char* read_json_raw(const char* p, ColumnBuilder& out);
  const char* read_json_decimal(const char* p, ColumnBuilder& out);
  const char* read_json_timestamp(const char* p, ColumnBuilder& out);
  const char* read_json_quoted(const char* p, ColumnBuilder& out);
  bool quoted_text(const char* p, const char*& end, std::string_view& text);

  TimeRules rules_;
  std::uint64_t ambiguous_ = 0;
  std::string scratch_;
};

// "column 'n': not a BIGINT: 12.5".
std::string bad_value(std::string_view column, Type type, std::string_view text, const TimeRules& rules);

}  // namespace stream::format
