// MessageDecoder: the messages of a broker to rows: what a message holds, and beside it columns about
// the message itself, such as its key or its offset.
//
// Each message stands for itself: of JSON it is one record, which may be written over several lines; of
// the other formats each of its lines is a record. A message without a byte is a bad record, as nothing
// could be made of it, and none may be lost in silence.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/format/input_buffer.h"

namespace stream {

// One value about a message: NULL, BIGINT or TIMESTAMP, VARCHAR.
using MessageValue = std::variant<std::monostate, std::int64_t, std::string_view>;

struct MessageFormat {
  FormatOptions options;
  Schema payload;            // what messages hold: declared, or found in a sample
  std::vector<Field> about;  // columns about a message, in the order in which add() gets their values
};

// What a source of such messages gives: the payload's columns, `_rest` where it is kept, then the others.
Schema message_schema(const MessageFormat& format);

// A message as a decoder of lines takes it: ends with a line feed, and of JSON has no other.
void append_message(const FormatOptions& options, std::string_view payload, InputBuffer& to);

class MessageDecoder {
 public:
  // OK: skip the record. Anything else stops and is returned by add().
  using OnBad = std::function<Status(std::string reason, std::string text)>;

  // `wanted`: the columns of the rows, any of message_schema().
  static Result<std::unique_ptr<MessageDecoder>> make(MessageFormat format, SchemaPtr wanted, OnBad on_bad);

  // Adds the rows of one message. `values`: one for each of `about`.
  Status add(std::string_view payload, std::span<const MessageValue> values);

  bool empty() const { return full_.empty() && builder_.rows() == 0; }
  bool full() const { return !full_.empty() || builder_.full() || metadata_bytes() >= kMetadataMax; }
  // The oldest rows. One message alone may have more than a batch takes: then there are more.
  Batch finish();

 private:
  static constexpr std::size_t kMetadataMax = 4 << 20;

  struct About {
    std::size_t value = 0;   // of `values`
    std::size_t column = 0;  // of `wanted`
    ColumnBuilder builder;
  };

  MessageDecoder(MessageFormat format, SchemaPtr wanted, SchemaPtr payload);
  std::size_t metadata_bytes() const;
  Status decode(std::span<const MessageValue> values);
  Status decode_some(std::span<const MessageValue> values);
  void add_values(std::span<const MessageValue> values, std::size_t rows);
  Batch take();

  MessageFormat format_;
  SchemaPtr wanted_;
  BatchBuilder builder_;
  std::vector<About> about_;
  std::deque<Batch> full_;
  OnBad on_bad_;
  std::unique_ptr<Decoder> decoder_;
  InputBuffer buffer_;
};

}  // namespace stream
