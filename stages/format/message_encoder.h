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
};

struct MessageEncoderOptions {
  MessageOutput format = MessageOutput::kNdjson;
  char delimiter = ',';    // CSV; no message has a header
  bool row_kinds = false;  // a first field "_op"
};

class MessageEncoder {
 public:
  // Text: the first column's value, as it is; NULL is the empty text.
  MessageEncoder(MessageEncoderOptions options, SchemaPtr schema);

  // The message of one row, without a line end. Valid until the next call.
  std::string_view encode(const Batch& batch, std::size_t row);

 private:
  MessageEncoderOptions options_;
  std::unique_ptr<Encoder> encoder_;  // none: text
  ByteBuilder bytes_;
  std::string wrapped_;
};

}  // namespace stream
