#include "stages/format/message_decoder.h"

#include <algorithm>

#include "stages/format/infer.h"

namespace stream {
namespace {

bool is_json(Format format) { return format == Format::kNdjson || format == Format::kDebezium; }

bool is_about(const MessageFormat& format, const std::string& name) {
  return std::ranges::any_of(format.about, [&](const Field& field) { return field.name == name; });
}

SchemaPtr payload_of(const MessageFormat& format, const Schema& wanted) {
  Schema out;
  for (const Field& field : wanted.fields) {
    if (!is_about(format, field.name)) out.fields.push_back(field);
  }
  return std::make_shared<const Schema>(std::move(out));
}

void append_value(ColumnBuilder& to, const MessageValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    to.append(*number);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    to.append_bytes(*text);
  } else {
    to.append_null();
  }
}

}  // namespace

Schema message_schema(const MessageFormat& format) {
  Schema schema = with_rest(format.payload, format.options);
  schema.fields.insert(schema.fields.end(), format.about.begin(), format.about.end());
  return schema;
}

void append_message(const FormatOptions& options, std::string_view payload, InputBuffer& to) {
  char* start = to.space(payload.size() + 1);
  char* end = std::copy(payload.begin(), payload.end(), start);
  // Outside of strings a line feed is a blank, and within them JSON allows none.
  if (is_json(options.format)) std::replace(start, end, '\n', ' ');
  if (payload.empty() || end[-1] != '\n') *end++ = '\n';
  to.filled(static_cast<std::size_t>(end - start));
}

Result<std::unique_ptr<MessageDecoder>> MessageDecoder::make(MessageFormat format, SchemaPtr wanted, OnBad on_bad) {
  format.options.header = false;
  SchemaPtr payload = payload_of(format, *wanted);
  std::unique_ptr<MessageDecoder> out(new MessageDecoder(std::move(format), std::move(wanted), payload));
  out->on_bad_ = std::move(on_bad);
  DecoderSetup setup;
  setup.options = out->format_.options;
  setup.declared = std::make_shared<const Schema>(out->format_.payload);
  setup.wanted = payload;
  setup.on_bad_input = [decoder = out.get()](BadInput bad) {
    return decoder->on_bad_(std::move(bad.reason), std::move(bad.text));
  };
  STREAM_ASSIGN(out->decoder_, make_decoder(std::move(setup)));
  STREAM_TRY(out->decoder_->start_at(1, ""));  // a message is no beginning of a file
  return out;
}

MessageDecoder::MessageDecoder(MessageFormat format, SchemaPtr wanted, SchemaPtr payload)
    : format_(std::move(format)), wanted_(std::move(wanted)), builder_(std::move(payload)) {
  for (std::size_t column = 0; column < wanted_->fields.size(); ++column) {
    const Field& field = wanted_->fields[column];
    const auto found =
        std::ranges::find_if(format_.about, [&](const Field& about) { return about.name == field.name; });
    if (found == format_.about.end()) continue;
    about_.push_back({static_cast<std::size_t>(found - format_.about.begin()), column, ColumnBuilder(field.type)});
  }
}

std::size_t MessageDecoder::metadata_bytes() const {
  std::size_t bytes = 0;
  for (const About& about : about_) bytes += about.builder.size_bytes();
  return bytes;
}

Status MessageDecoder::decode(std::span<const MessageValue> values) {
  for (;;) {
    STREAM_TRY(decode_some(values));
    if (buffer_.bytes().empty()) return {};
    if (builder_.full()) full_.push_back(take());
  }
}

Status MessageDecoder::decode_some(std::span<const MessageValue> values) {
  const std::size_t before = builder_.rows();
  const auto used = decoder_->decode(buffer_.bytes(), true, builder_);
  add_values(values, builder_.rows() - before);
  if (used.ok()) buffer_.consume(*used);
  return used.status();
}

void MessageDecoder::add_values(std::span<const MessageValue> values, std::size_t rows) {
  for (About& about : about_) {
    for (std::size_t row = 0; row < rows; ++row) append_value(about.builder, values[about.value]);
  }
}

Status MessageDecoder::add(std::string_view payload, std::span<const MessageValue> values) {
  if (payload.empty() && format_.options.format == Format::kDebezium) return {};  // a tombstone
  if (payload.empty()) return on_bad_("the message is empty", "");
  buffer_.clear();
  append_message(format_.options, payload, buffer_);
  return decode(values);
}

Batch MessageDecoder::finish() {
  if (full_.empty()) return take();
  Batch oldest = std::move(full_.front());
  full_.pop_front();
  return oldest;
}

Batch MessageDecoder::take() {
  Batch payload = builder_.finish();
  Batch out;
  out.schema = wanted_;
  out.rows = payload.rows;
  out.kinds = std::move(payload.kinds);
  out.columns.reserve(wanted_->fields.size());
  std::size_t next_payload = 0;
  std::size_t next_about = 0;
  for (std::size_t column = 0; column < wanted_->fields.size(); ++column) {
    const bool about = next_about < about_.size() && about_[next_about].column == column;
    out.columns.push_back(about ? about_[next_about++].builder.finish() : std::move(payload.columns[next_payload++]));
  }
  return out;
}

}  // namespace stream
