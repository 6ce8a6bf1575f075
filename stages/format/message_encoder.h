// MessageEncoder: rows to the messages of a broker, one a row.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "stages/format/encoder.h"

namespace stream {

enum class MessageOutput : std::uint8_t {
  kNdjson,
  kCsv,
  kText,
  kDebezium,  // +I and +U as op c with the row as `after`, -U and -D as op d with it as `before`
  kAvro,      // a record each, behind what avro_framing says
};

struct MessageEncoderOptions {
  MessageOutput format = MessageOutput::kNdjson;
  char delimiter = ',';    // CSV; no message has a header
  bool row_kinds = false;  // a first field "_op"
  AvroFraming avro_framing = AvroFraming::kPlain;
  std::uint32_t avro_schema_id = 0;  // Confluent: in the registry
};

class MessageEncoder {
 public:
  // Text: the first column's value, as it is; NULL is the empty text. Avro: the columns must have names that
  // avro_schema_of() allows.
  MessageEncoder(MessageEncoderOptions options, SchemaPtr schema);

  // The message of one row, without a line end. Valid until the next call.
  std::string_view encode(const Batch& batch, std::size_t row);

 private:
  std::string_view encode_avro(const Batch& batch, std::size_t row);

  MessageEncoderOptions options_;
  std::unique_ptr<Encoder> encoder_;  // none: text, Avro
  std::string avro_frame_;
  ByteBuilder bytes_;
  std::string wrapped_;
};

}  // namespace stream
