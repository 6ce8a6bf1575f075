// Encoder: rows to bytes.
//
// Texts of values: TIMESTAMP RFC 3339 with Z, DATE "2024-02-29", BIGINT digits, DOUBLE the shortest
// text that reads back equal, DECIMAL with all its digits, INTERVAL as PostgreSQL prints it, BLOB base64.
//   NDJSON  DECIMAL, times, intervals and blobs are strings; JSON columns are embedded raw; NaN and
//           infinities become null and are counted; NULL is null
//   CSV     NULL is an empty field, the empty string ""; quotes only where needed; NaN, inf as text
//   table   aligned columns for people; see encode_table.cc for what is cut
#pragma once

#include <cstdint>
#include <memory>

#include "stages/format/avro_codec.h"
#include "stages/format/options.h"
#include "transport/record/batch.h"

namespace stream {

enum class OutputFormat : std::uint8_t { kNdjson, kCsv, kTable, kAvro };

struct EncoderOptions {
  OutputFormat format = OutputFormat::kNdjson;
  char delimiter = ',';    // CSV
  bool header = true;      // CSV, table, Avro: what names the columns comes first
  bool row_kinds = false;  // a first field "_op": "+I", "-U", "+U", "-D"
  std::size_t width = 80;  // table: columns of the terminal; 0 = unbounded
  AvroCodec avro_codec = AvroCodec::kDeflate;
  std::string avro_marker = {};  // of a file that is gone on with: 16 bytes; "" = a new one
};

struct EncodeCounters {
  std::uint64_t rows = 0;
  std::uint64_t not_finite = 0;  // NaN and infinities written as null
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends all rows of the batch, which has the encoder's schema. A header comes before the first row.
  virtual void encode(const Batch& batch, ByteBuilder& out) = 0;
  // Appends what is held back of the rows so far, as Avro's blocks hold many.
  virtual void complete(ByteBuilder& /*out*/) {}
  // Appends what belongs behind the last row: the header of an output without rows.
  virtual void finish(ByteBuilder& /*out*/) {}

  const EncodeCounters& counters() const { return counters_; }

 protected:
  EncodeCounters counters_;
};

// Avro: columns must have names that avro_schema_of() allows.
std::unique_ptr<Encoder> make_encoder(const EncoderOptions& options, SchemaPtr schema);

// "+I", "-U", "+U", "-D".
std::string_view row_kind_name(RowKind kind);

}  // namespace stream
