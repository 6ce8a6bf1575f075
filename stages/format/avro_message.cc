#include "stages/format/avro.h"

namespace stream::format {
namespace {

constexpr std::string_view kSingleObjectMark = "\xc3\x01";

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

std::string avro_frame(AvroFraming framing, std::uint32_t id, std::uint64_t fingerprint) {
  std::string out;
  if (framing == AvroFraming::kConfluent) {
    out += '\0';
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(id >> shift);
  } else if (framing == AvroFraming::kSingleObject) {
    out = kSingleObjectMark;
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(fingerprint >> shift);
  }
  return out;
}

AvroMessageDecoder::AvroMessageDecoder(DecoderSetup setup, TextRules rules)
    : Decoder(std::move(setup)), rules_(std::move(rules)) {}

Result<std::unique_ptr<Decoder>> AvroMessageDecoder::make(DecoderSetup setup, TextRules rules) {
  STREAM_ASSIGN(AvroSchema schema, AvroSchema::parse(setup.options.avro_schema));
  std::unique_ptr<AvroMessageDecoder> out(new AvroMessageDecoder(std::move(setup), std::move(rules)));
  out->fingerprint_ = schema.fingerprint();
  STREAM_ASSIGN(AvroRows rows, AvroRows::make(std::move(schema), out->setup_, out->rules_));
  out->rows_.emplace(std::move(rows));
  return std::unique_ptr<Decoder>(std::move(out));
}

bool AvroMessageDecoder::take_frame(std::string_view& bytes, std::string& reason) const {
  const AvroFraming framing = setup_.options.avro_framing;
  if (framing == AvroFraming::kPlain) return true;
  if (framing == AvroFraming::kConfluent) {
    if (bytes.size() < kConfluentFrameSize || bytes[0] != '\0') {
      reason = "the message does not begin with a zero byte and the number of a schema";
      return false;
    }
    const std::uint32_t id = big_endian(bytes.substr(1, 4));
    bytes.remove_prefix(kConfluentFrameSize);
    if (!setup_.options.avro_schema_id || *setup_.options.avro_schema_id == id) return true;
    reason = "the message was written with schema " + std::to_string(id) + ", not with " +
             std::to_string(*setup_.options.avro_schema_id);
    return false;
  }
  if (!bytes.starts_with(avro_frame(framing, 0, fingerprint_))) {
    reason = bytes.starts_with(kSingleObjectMark)
                 ? "the message was written with another schema: its fingerprint differs"
                 : "the message does not begin as a single object does";
    return false;
  }
  bytes.remove_prefix(kSingleObjectFrameSize);
  return true;
}

std::string AvroMessageDecoder::why_broken(std::string_view message) const {
  std::string reason = "the message is no record of this Avro schema";
  if (setup_.options.avro_framing != AvroFraming::kPlain) return reason;
  if (message.size() >= kConfluentFrameSize && message[0] == '\0') {
    reason += "; it begins as those of a schema registry do: avro-framing confluent";
  } else if (message.starts_with(kSingleObjectMark)) {
    reason += "; it begins as a single object does: avro-framing single-object";
  }
  return reason;
}

Result<std::size_t> AvroMessageDecoder::decode(std::string_view bytes, bool /*last*/, BatchBuilder& batch) {
  std::string_view record = bytes;
  std::string reason;
  bool good = bytes.size() <= setup_.options.record_size_max;
  if (!good) reason = "longer than " + std::to_string(setup_.options.record_size_max) + " bytes";
  good = good && take_frame(record, reason);
  if (good) {
    AvroInput input(record);
    const AvroRows::Outcome outcome = rows_->read(input, batch);
    good = outcome == AvroRows::Outcome::kRow && input.left() == 0;
    if (outcome == AvroRows::Outcome::kBad) reason = rows_->take_reason();
    if (!good && reason.empty()) reason = why_broken(bytes);
  }
  counters_.ambiguous_times = rows_->ambiguous_times();
  if (good) {
    batch.end_row();
    ++counters_.records;
    counters_.unknown_fields += rows_->unknown_fields();
    return bytes.size();
  }
  batch.drop_row();
  const std::string_view shown = bytes.substr(0, kBadRecordTextMax / 4 * 3);
  std::string text(base64_size(shown.size()), '\0');
  encode_base64(text.data(), shown);
  STREAM_TRY(report({std::move(reason), 0, 0, std::move(text)}));
  return bytes.size();
}

}  // namespace stream::format
