// What OneFile does with a file of Avro that is there: it goes on with the marker and the codec of its header.
#include "stages/format/avro_header.h"
#include "stages/write-file/one_file.h"

namespace stream {
namespace {

constexpr std::size_t kAvroHeaderMax = 1 << 20;

}  // namespace

// A file of Avro goes on with the marker and the codec it has.
Status OneFile::go_on_with(const std::string& path) {
  STREAM_ASSIGN(const std::string beginning, files_.read_at(path, 0, kAvroHeaderMax));
  format::AvroHeader header;
  auto whole = format::read_avro_header(beginning, header);
  if (!whole.ok()) return std::move(whole).status().while_doing("'" + path + "'");
  if (!*whole) return failed("'" + path + "' has no whole header of Avro records");
  settings_.encoder.avro_codec = header.codec;
  settings_.encoder.avro_marker = header.marker;
  return {};
}

// Of an existing file of Avro.
Status OneFile::check_columns(const std::string& path, std::string_view advice) {
  STREAM_ASSIGN(const std::string beginning, files_.read_at(path, 0, kAvroHeaderMax));
  format::AvroHeader header;
  auto whole = format::read_avro_header(beginning, header);
  if (!whole.ok() || !*whole) {
    return usage_error("'" + settings_.path + "' is no file of Avro records" +
                       (whole.ok() ? "" : ": " + whole.status().what()) + "; " + std::string(advice));
  }
  STREAM_ASSIGN(const std::string ours, format::avro_schema_of(*schema_, settings_.encoder.row_kinds));
  STREAM_ASSIGN(const format::AvroSchema wanted, format::AvroSchema::parse(ours));
  if (!header.schema.same_columns(wanted)) {
    const auto there = header.schema.columns();
    return usage_error("'" + settings_.path + "' has the columns " + (there.ok() ? to_string(*there) : "of no record") +
                       ", written otherwise than " + to_string(*schema_) + "; " + std::string(advice));
  }
  if (header.codec == AvroCodec::kSnappy) {
    return usage_error("'" + settings_.path + "' is compressed with snappy, which can be read only; give another path");
  }
  return go_on_with(path);
}

}  // namespace stream
