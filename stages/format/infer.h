// Schema inference from a sample of the data.
//
//   NDJSON   BOOLEAN, BIGINT, DOUBLE (also BIGINT and DOUBLE mixed, and integers beyond BIGINT), VARCHAR,
//            TIMESTAMP (every text is ISO 8601 with date and time of day, or fits `time-format`), JSON
//            (objects, arrays, and anything mixed)
//   others   the same from text, mixed = VARCHAR; integers with leading zeros or a plus sign are text
//
// Columns stand in the order in which they first appear; one that is always NULL is VARCHAR.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/format/options.h"
#include "transport/record/schema.h"

namespace stream {

inline constexpr std::size_t kSampleRecordsMax = 10'000;
inline constexpr std::size_t kSampleBytesMax = 1 << 20;

struct Inferred {
  Schema schema;
  std::uint64_t records = 0;
  std::uint64_t bad_records = 0;
  // What the user may want to add: "column 'ts' looks like milliseconds: time-unit: ms".
  std::vector<std::string> hints;
};

// Samples the first `records_max` records of `sample`, the beginning of the data. `complete`: there is
// no more, so the last record needs no line end. Errors: kUsage for options that are wrong, kFailed if the
// sample holds no good record and the format does not name its columns by itself.
Result<Inferred> infer_schema(const FormatOptions& options, std::string_view sample, bool complete,
                              std::size_t records_max = kSampleRecordsMax);

// The schema as a decoder fills it: with the column `_rest` behind it for unknown-fields: keep.
Schema with_rest(Schema schema, const FormatOptions& options);

}  // namespace stream
