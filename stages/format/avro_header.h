// AvroHeader: the beginning of a file of Avro records, its object container file.
//
//   "Obj" 1, a map of bytes (avro.schema, avro.codec), a marker of 16 bytes
//
// Blocks follow: how many records, how many bytes, the records, compressed by the codec, and the marker again.
#pragma once

#include <string>
#include <string_view>

#include "stages/format/avro_codec.h"
#include "stages/format/avro_schema.h"

namespace stream::format {

inline constexpr std::size_t kAvroMarkerSize = 16;
inline constexpr std::size_t kAvroHeaderMax = 16 << 20;

struct AvroHeader {
  AvroSchema schema;
  AvroCodec codec = AvroCodec::kNull;
  std::string marker;
  std::size_t size = 0;  // bytes of the header
};

// False: `bytes` is the beginning of one, but not all. Errors: kBadRecord for what is no such file, kUsage for a
// schema or codec that cannot be read.
Result<bool> read_avro_header(std::string_view bytes, AvroHeader& header);

void append_avro_long(std::int64_t value, std::string& to);
std::string make_avro_header(std::string_view schema, AvroCodec codec, std::string_view marker);

}  // namespace stream::format
