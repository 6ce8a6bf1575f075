// AvroSchema: what stands in a file of Avro records, or in messages of them.
//
// A schema is read here, not by libavro, which drops the attributes that make a long a timestamp and bytes a decimal.
//
// Types and columns:
//
//   boolean                                     BOOLEAN
//   int, long                                   BIGINT
//   float, double                               DOUBLE
//   string, enum, uuid                          VARCHAR
//   bytes, fixed                                BLOB
//   decimal(p,s), p <= 38                       DECIMAL(p,s)
//   timestamp-millis, -micros, -nanos, local-…  TIMESTAMP (local: as UTC; nanoseconds are cut)
//   date                                        DATE
//   time-millis, time-micros, duration          INTERVAL
//   array, map, record, other unions            JSON; unions without a tag
//   union of null and one more                  that one's, where NULLs may be
//
// Columns that Avro has no word for are strings with an attribute: "stream.type": "json" or "interval".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"
#include "transport/record/schema.h"

namespace stream::format {

enum class AvroKind : std::uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kRecord,
  kEnum,
  kArray,
  kMap,
  kUnion,
  kFixed,
};

enum class AvroLogical : std::uint8_t {
  kNone,
  kDecimal,
  kDate,
  kTimeMillis,
  kTimeMicros,
  kTimestampMillis,
  kTimestampMicros,
  kTimestampNanos,
  kDuration,
  kJson,
  kInterval,
};

struct AvroType {
  AvroKind kind = AvroKind::kNull;
  AvroLogical logical = AvroLogical::kNone;
  std::uint8_t precision = 0;  // decimal
  std::uint8_t scale = 0;
  std::uint32_t size = 0;          // fixed: bytes
  std::string name;                // record, enum, fixed: with its namespace
  std::vector<std::string> names;  // record: of fields; enum: symbols
  std::vector<std::uint32_t> of;   // record: types of fields; array, map: of items; union: branches
};

class AvroSchema {
 public:
  // Errors: kUsage, "no Avro schema: …".
  static Result<AvroSchema> parse(std::string_view json);

  const AvroType& type(std::uint32_t index) const { return types_[index]; }
  std::uint32_t root() const { return root_; }
  const AvroType& root_type() const { return types_[root_]; }

  // The columns of its records. Errors: kUsage if the whole is no record.
  Result<Schema> columns() const;
  // The type of the column that a field is by itself.
  Type column_type(std::uint32_t index) const;
  // Of a union of null and one type that one, and which branch null is; else the type itself.
  struct Nullable {
    std::uint32_t type = 0;
    int null_branch = -1;
  };
  Nullable nullable(std::uint32_t index) const;

  // Whether both hold the same columns in the same way. Names of types do not count.
  bool same_columns(const AvroSchema& other) const;
  // In Avro's Parsing Canonical Form, whose CRC-64 is the fingerprint of single objects.
  std::string canonical() const;
  std::uint64_t fingerprint() const;

 private:
  friend class AvroSchemaParser;
  bool same_type(std::uint32_t index, const AvroSchema& other, std::uint32_t others, std::size_t depth) const;

  std::vector<AvroType> types_;
  std::uint32_t root_ = 0;
};

// The schema in which rows are written: every column may be NULL. `row_kinds`: a string _op comes first.
// Errors: kUsage for a column whose name Avro does not allow.
Result<std::string> avro_schema_of(const Schema& columns, bool row_kinds);

// How deep values may be nested.
inline constexpr std::size_t kAvroDepthMax = 64;

}  // namespace stream::format
