#include "stages/format/message_encoder.h"

#include "stages/format/avro.h"
#include "stages/format/encode_avro.h"
#include "stages/format/print_value.h"

namespace stream {
namespace {

std::unique_ptr<Encoder> encoder_of(const MessageEncoderOptions& options, SchemaPtr schema) {
  if (options.format == MessageOutput::kText || options.format == MessageOutput::kAvro) return nullptr;
  EncoderOptions out;
  out.format = options.format == MessageOutput::kCsv ? OutputFormat::kCsv : OutputFormat::kNdjson;
  out.delimiter = options.delimiter;
  out.header = false;
  out.row_kinds = options.row_kinds && options.format != MessageOutput::kDebezium;
  return make_encoder(out, std::move(schema));
}

void print_first(const Batch& batch, std::size_t row, ByteBuilder& to) {
  const Column& column = batch.columns[0];
  if (!column.valid(row)) return;
  char* begin = reinterpret_cast<char*>(to.extend(format::printed_size(column, row)));
  to.shrink(static_cast<std::size_t>(format::print_value(begin, column, row) - begin));
}

// A message is one row: an update is the deletion of what was and the creation of what is.
void wrap_change(std::string_view row, RowKind kind, std::string& to) {
  const bool gone = kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
  to.assign(R"({"before":)").append(gone ? row : "null").append(R"(,"after":)").append(gone ? "null" : row);
  to.append(gone ? R"(,"op":"d"})" : R"(,"op":"c"})");
}

std::string frame_of(const MessageEncoderOptions& options, const Schema& schema) {
  if (options.format != MessageOutput::kAvro) return "";
  const auto text = format::avro_schema_of(schema, options.row_kinds);
  STREAM_CHECK(text.ok());  // planning has refused what cannot be written
  const std::uint64_t fingerprint = format::AvroSchema::parse(*text)->fingerprint();
  return format::avro_frame(options.avro_framing, options.avro_schema_id, fingerprint);
}

}  // namespace

MessageEncoder::MessageEncoder(MessageEncoderOptions options, SchemaPtr schema)
    : options_(options), encoder_(encoder_of(options, schema)), avro_frame_(frame_of(options, *schema)) {}

std::string_view MessageEncoder::encode_avro(const Batch& batch, std::size_t row) {
  bytes_.append(avro_frame_.data(), avro_frame_.size());
  format::append_avro_row(batch, row, options_.row_kinds, bytes_);
  return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
}

std::string_view MessageEncoder::encode(const Batch& batch, std::size_t row) {
  bytes_.shrink(0);
  if (options_.format == MessageOutput::kAvro) return encode_avro(batch, row);
  if (encoder_ == nullptr) {
    print_first(batch, row, bytes_);
  } else {
    encoder_->encode(batch.slice(row, row + 1), bytes_);
  }
  std::string_view text(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
  if (encoder_ != nullptr && text.ends_with('\n')) text.remove_suffix(1);
  if (encoder_ != nullptr && text.ends_with('\r')) text.remove_suffix(1);
  if (options_.format != MessageOutput::kDebezium) return text;
  wrap_change(text, batch.kind(row), wrapped_);
  return wrapped_;
}

}  // namespace stream
