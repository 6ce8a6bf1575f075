// Decodes texts in tests, whole or in pieces, and shows the rows as NDJSON.
#pragma once

#include <string>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/format/encoder.h"
#include "stages/format/input_buffer.h"

namespace stream::format_test {

struct Run {
  std::string text;              // the rows, as NDJSON
  std::vector<std::string> bad;  // "line:offset: reason: text"
  std::vector<RecordExtent> extents;
  DecodeCounters counters;
  std::uint64_t position = 0;
  Status status;
};

struct RunOptions {
  FormatOptions format;
  std::string wanted;            // column names, comma-separated; "" = all
  std::size_t piece = SIZE_MAX;  // bytes that arrive at a time
  bool speculate = true;
  bool row_kinds = false;  // show them
};

SchemaPtr schema_of(std::string_view text);
Run decode_all(std::string_view schema, std::string_view input, const RunOptions& options = {});

inline RunOptions with(FormatOptions format) { return {std::move(format), {}, SIZE_MAX, true, false}; }

}  // namespace stream::format_test
