#include "stages/format/avro_header.h"

#include "stages/format/avro_value.h"

namespace stream::format {
namespace {

constexpr std::string_view kMagic("Obj\x01", 4);

// Reads the map of the header. False: it is not whole.
bool read_entries(AvroInput& input, std::string& schema, std::string& codec) {
  for (;;) {
    std::int64_t count = 0;
    std::int64_t size = 0;
    if (!input.read_long(count)) return false;
    if (count == 0) return true;
    if (count < 0 && !input.read_long(size)) return false;
    for (std::int64_t i = count < 0 ? count : -count; i < 0; ++i) {
      std::string_view key;
      std::string_view value;
      if (!input.read_bytes(key) || !input.read_bytes(value)) return false;
      if (key == "avro.schema") schema = value;
      if (key == "avro.codec") codec = value;
    }
  }
}

}  // namespace

Result<bool> read_avro_header(std::string_view bytes, AvroHeader& header) {
  const std::size_t seen = std::min(bytes.size(), kMagic.size());
  if (bytes.substr(0, seen) != kMagic.substr(0, seen)) {
    return Status(Code::kBadRecord, "this is no file of Avro records: it does not begin with 'Obj'");
  }
  AvroInput input(bytes.substr(seen));
  std::string schema;
  std::string codec;
  std::string_view marker;
  if (seen < kMagic.size() || !read_entries(input, schema, codec) || !input.read_raw(kAvroMarkerSize, marker)) {
    if (bytes.size() < kAvroHeaderMax) return false;
    return Status(Code::kBadRecord, "the header of Avro records is broken");
  }
  STREAM_ASSIGN(header.schema, AvroSchema::parse(schema));
  STREAM_ASSIGN(header.codec, parse_avro_codec(codec));
  header.marker = marker;
  header.size = static_cast<std::size_t>(input.at - bytes.data());
  return true;
}

void append_avro_long(std::int64_t value, std::string& to) {
  auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) to += static_cast<char>(bits | 0x80);
  to += static_cast<char>(bits);
}

std::string make_avro_header(std::string_view schema, AvroCodec codec, std::string_view marker) {
  std::string out(kMagic);
  const auto text = [&](std::string_view part) {
    append_avro_long(static_cast<std::int64_t>(part.size()), out);
    out += part;
  };
  append_avro_long(2, out);
  text("avro.codec");
  text(avro_codec_name(codec));
  text("avro.schema");
  text(schema);
  append_avro_long(0, out);
  return out.append(marker);
}

}  // namespace stream::format
