#include "stages/format/avro.h"

namespace stream::format {
namespace {

constexpr std::size_t kVarintsMax = 20;  // of the two numbers in front of a block
// Records may take no byte where all their fields are null.
constexpr std::uint64_t kEmptyRecordsMax = 1 << 20;

}  // namespace

AvroFileDecoder::AvroFileDecoder(DecoderSetup setup, TextRules rules)
    : Decoder(std::move(setup)), rules_(std::move(rules)) {}

Status AvroFileDecoder::use_header(AvroHeader header) {
  STREAM_ASSIGN(AvroRows rows, AvroRows::make(header.schema, setup_, rules_));
  rows_.emplace(std::move(rows));
  header_ = std::move(header);
  return {};
}

Status AvroFileDecoder::read_head(std::string_view head) {
  AvroHeader header;
  STREAM_ASSIGN(const bool whole, read_avro_header(head, header));
  if (!whole) return Status(Code::kBadRecord, "the header of the Avro records is not whole");
  offset_ = started_at();
  return use_header(std::move(header));
}

void AvroFileDecoder::skip_records(std::uint64_t count) {
  searching_ = count == kSearching;
  done_ = searching_ ? 0 : count;
}

Result<std::size_t> AvroFileDecoder::read_header(std::string_view bytes, bool last) {
  if (bytes.empty()) return std::size_t{0};
  AvroHeader header;
  STREAM_ASSIGN(const bool whole, read_avro_header(bytes, header));
  if (!whole && last) return Status(Code::kBadRecord, "it ends within the header of the Avro records");
  if (!whole) return std::size_t{0};
  const std::size_t size = header.size;
  STREAM_TRY(use_header(std::move(header)));
  pass(size);
  return size;
}

void AvroFileDecoder::pass(std::size_t size) {
  offset_ += size;
  done_ = 0;
  data_at_ = 0;
  open_ = false;
}

AvroFileDecoder::Found AvroFileDecoder::find_block(std::string_view bytes, Block& block) const {
  AvroInput input(bytes);
  std::int64_t records = 0;
  std::int64_t size = 0;
  if (!input.read_long(records) || !input.read_long(size)) {
    return bytes.size() < kVarintsMax ? Found::kMore : Found::kBroken;
  }
  if (records < 0 || size < 0 || static_cast<std::uint64_t>(size) > kAvroBlockMax) return Found::kBroken;
  std::string_view marker;
  if (!input.read_raw(static_cast<std::size_t>(size), block.data) || !input.read_raw(kAvroMarkerSize, marker)) {
    return Found::kMore;
  }
  if (marker != header_->marker) return Found::kBroken;
  block.records = static_cast<std::uint64_t>(records);
  block.size = static_cast<std::size_t>(input.at - bytes.data());
  return Found::kBlock;
}

Status AvroFileDecoder::lose_rest(const Block& block, const std::string& why) {
  const std::string which = std::to_string(done_ + 1) + " of " + std::to_string(block.records);
  Status status =
      report({"record " + which + " in the block " + why + "; it and the others behind it are lost", offset_, 0, ""});
  pass(block.size);
  return status;
}

// Sets the block's data to what is in it, and goes behind the records that were done before.
Status AvroFileDecoder::open_block(Block& block) {
  const bool packed = header_->codec != AvroCodec::kNull;
  if (!open_ && packed && !decompress_avro(header_->codec, block.data, unpacked_)) {
    return lose_rest(block, "cannot be read, as the block is no " + std::string(avro_codec_name(header_->codec)));
  }
  if (packed) block.data = unpacked_;
  if (open_) return {};
  if (block.records > block.data.size() + kEmptyRecordsMax) {
    return lose_rest(block, "cannot be there, as the block is too small for so many");
  }
  AvroInput input(block.data);
  for (std::uint64_t record = 0; record < done_; ++record) {
    if (record >= block.records || !rows_->skip(input)) return lose_rest(block, "is broken");
  }
  data_at_ = static_cast<std::size_t>(input.at - block.data.data());
  open_ = true;
  return {};
}

Status AvroFileDecoder::read_record(const Block& block, AvroInput& input, BatchBuilder& batch) {
  const char* begin = input.at;
  const AvroRows::Outcome outcome = rows_->read(input, batch);
  if (outcome == AvroRows::Outcome::kBroken) {
    batch.drop_row();
    return lose_rest(block, "is broken");
  }
  const auto size = static_cast<std::size_t>(input.at - begin);
  const bool long_one = size > setup_.options.record_size_max;
  data_at_ += size;
  ++done_;
  counters_.unknown_fields += rows_->unknown_fields();
  counters_.ambiguous_times = rows_->ambiguous_times();
  if (outcome == AvroRows::Outcome::kRow && !long_one) {
    batch.end_row();
    ++counters_.records;
    return {};
  }
  batch.drop_row();
  std::string reason =
      long_one ? "longer than " + std::to_string(setup_.options.record_size_max) + " bytes" : rows_->take_reason();
  return report({"record " + std::to_string(done_) + " of the block: " + std::move(reason), offset_, 0,
                 rows_->text_of({begin, size})});
}

Status AvroFileDecoder::read_block(Block& block, BatchBuilder& batch) {
  const std::uint64_t offset = offset_;
  STREAM_TRY(open_block(block));
  if (offset_ != offset) return {};  // lost
  AvroInput input(block.data.substr(data_at_));
  while (done_ < block.records) {
    if (batch_full(input.at, batch)) return {};
    STREAM_TRY(read_record(block, input, batch));
    if (offset_ != offset) return {};
  }
  if (input.left() != 0) {
    STREAM_TRY(
        report({std::to_string(input.left()) + " bytes are left behind the last record of the block", offset_, 0, ""}));
  }
  pass(block.size);
  return {};
}

// Goes behind the next marker. What could be the beginning of one is kept.
std::size_t AvroFileDecoder::search(std::string_view bytes, bool last) {
  const std::size_t found = bytes.find(header_->marker);
  if (found != std::string_view::npos) {
    searching_ = false;
    pass(found + kAvroMarkerSize);
    return found + kAvroMarkerSize;
  }
  const std::size_t kept = last ? 0 : std::min(bytes.size(), kAvroMarkerSize - 1);
  pass(bytes.size() - kept);
  return bytes.size() - kept;
}

Result<std::size_t> AvroFileDecoder::decode(std::string_view bytes, bool last, BatchBuilder& batch) {
  std::size_t used = 0;
  if (!header_) {
    STREAM_ASSIGN(used, read_header(bytes, last));
    if (!header_) return used;
  }
  while (used < bytes.size() && !batch.full()) {
    const std::string_view rest = bytes.substr(used);
    if (searching_) {
      used += search(rest, last);
      if (searching_) return used;
      continue;
    }
    Block block;
    const Found found = find_block(rest, block);
    if (found == Found::kMore && !last) return used;
    if (found != Found::kBlock) {
      searching_ = true;
      STREAM_TRY(report({found == Found::kMore ? "the file ends within a block, or the block's size is damaged"
                                               : "a block is damaged; its records are lost",
                         offset_, 0, ""}));
      continue;
    }
    const std::uint64_t offset = offset_;
    STREAM_TRY(read_block(block, batch));
    if (offset_ == offset) return used;  // the batch is full
    used += block.size;
  }
  return used;
}

}  // namespace stream::format
