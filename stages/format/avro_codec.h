// The codecs of blocks in files of Avro records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

enum class AvroCodec : std::uint8_t { kNull, kDeflate, kZstandard, kSnappy };

namespace format {

// "null" (or ""), "deflate", "zstandard", "snappy". Errors: kUsage, naming what can be read.
Result<AvroCodec> parse_avro_codec(std::string_view name);
std::string_view avro_codec_name(AvroCodec codec);

// A block that is larger, compressed or not, is taken for a damaged one.
inline constexpr std::size_t kAvroBlockMax = 64 << 20;

// Replaces `to`. False: the bytes are broken, or would become more than kAvroBlockMax.
bool decompress_avro(AvroCodec codec, std::string_view bytes, std::string& to);
// Replaces `to`. Not kSnappy, which is read only.
void compress_avro(AvroCodec codec, std::string_view bytes, std::string& to);

// Snappy's own form, without a checksum. False: broken, or too large.
bool decompress_snappy(std::string_view bytes, std::string& to);

}  // namespace format
}  // namespace stream
