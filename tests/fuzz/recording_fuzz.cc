// Recordings that are replayed, and rows that a test expects: any lines are read or refused.
#include <cstdint>

#include <nlohmann/json.hpp>

#include "stages/replay/recording.h"
#include "supervisor/row_match.h"
#include "transport/base/check.h"

using namespace stream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const Schema schema = *parse_schema("i bigint, d double, m decimal(10,2), s varchar, t timestamp, j json");
  std::vector<std::string> rows;
  Recording recording(text);
  while (const auto line = recording.next()) {
    STREAM_CHECK(!line->empty() && recording.offset() <= size);
    (void)read_recorded_line(*line);
    const auto row = nlohmann::ordered_json::parse(*line, nullptr, false);
    if (row.is_object()) rows.emplace_back(*line);
  }
  if (!unknown_columns(schema, rows).empty()) return 0;
  for (const bool ordered : {false, true}) {
    const RowMatch match = match_rows(schema, rows, rows, ordered);
    STREAM_CHECK(match.equal <= rows.size());
  }
  return 0;
}
