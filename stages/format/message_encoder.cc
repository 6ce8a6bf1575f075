#include "stages/format/message_encoder.h"

#include "stages/format/print_value.h"

namespace stream {
namespace {

std::unique_ptr<Encoder> encoder_of(const MessageEncoderOptions& options, SchemaPtr schema) {
  if (options.format == MessageOutput::kText) return nullptr;
  EncoderOptions out;
  out.format = options.format == MessageOutput::kCsv ? OutputFormat::kCsv : OutputFormat::kNdjson;
  out.delimiter = options.delimiter;
  out.header = false;
  out.row_kinds = options.row_kinds;
  return make_encoder(out, std::move(schema));
}

void print_first(const Batch& batch, std::size_t row, ByteBuilder& to) {
  const Column& column = batch.columns[0];
  if (!column.valid(row)) return;
  char* begin = reinterpret_cast<char*>(to.extend(format::printed_size(column, row)));
  to.shrink(static_cast<std::size_t>(format::print_value(begin, column, row) - begin));
}

}  // namespace

MessageEncoder::MessageEncoder(MessageEncoderOptions options, SchemaPtr schema)
    : options_(options), encoder_(encoder_of(options, std::move(schema))) {}

std::string_view MessageEncoder::encode(const Batch& batch, std::size_t row) {
  bytes_.shrink(0);
  if (encoder_ == nullptr) {
    print_first(batch, row, bytes_);
  } else {
    encoder_->encode(batch.slice(row, row + 1), bytes_);
  }
  std::string_view text(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
  if (encoder_ != nullptr && text.ends_with('\n')) text.remove_suffix(1);
  if (encoder_ != nullptr && text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace stream
