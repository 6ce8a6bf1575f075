// Decoders of Avro: files of records, and messages that are one record each.
//
// A file's schema is in its beginning; fields are found by name. A block whose marker is damaged, whose bytes do not
// decompress, or whose records are none from some place on is one bad record, and reading goes on with the next
// block; a value that does not fit its column makes its own record bad only. Where reading stands within a block is
// the block's place and how many of its records are done.
//
// Avro messages are a record's bytes alone, or with a header in front, as `avro_framing` says: Confluent's zero byte
// and schema id, or a single object's marker and fingerprint of the schema.
#pragma once

#include <optional>

#include "stages/format/avro_header.h"
#include "stages/format/avro_rows.h"

namespace stream::format {

class AvroFileDecoder final : public Decoder {
 public:
  AvroFileDecoder(DecoderSetup setup, TextRules rules);

  Result<std::size_t> decode(std::string_view bytes, bool last, BatchBuilder& batch) override;
  std::uint64_t position() const override { return offset_; }
  std::uint64_t records_done() const override { return searching_ ? kSearching : done_; }
  void skip_records(std::uint64_t count) override;

 protected:
  Status read_head(std::string_view head) override;
  const char* decode_records(const char* begin, const char*, bool, BatchBuilder&) override { return begin; }

 private:
  // Instead of a number of records: behind damage, on the way to the next marker.
  static constexpr std::uint64_t kSearching = INT64_MAX;

  struct Block {
    std::uint64_t records = 0;
    std::size_t size = 0;  // of the whole block in the file
    std::string_view data;
  };
  enum class Found : std::uint8_t { kBlock, kMore, kBroken };

  Status use_header(AvroHeader header);
  Result<std::size_t> read_header(std::string_view bytes, bool last);
  Found find_block(std::string_view bytes, Block& block) const;
  Status read_block(Block& block, BatchBuilder& batch);
  Status open_block(Block& block);
  Status read_record(const Block& block, AvroInput& input, BatchBuilder& batch);
  Status lose_rest(const Block& block, const std::string& why);
  std::size_t search(std::string_view bytes, bool last);
  void pass(std::size_t size);

  TextRules rules_;
  std::optional<AvroHeader> header_;
  std::optional<AvroRows> rows_;
  std::string unpacked_;
  std::uint64_t offset_ = 0;  // of the block to read
  std::uint64_t done_ = 0;    // records of it
  std::size_t data_at_ = 0;   // bytes of its data that hold them
  bool open_ = false;         // data_at_ and unpacked_ are of this block
  bool searching_ = false;
};

class AvroMessageDecoder final : public Decoder {
 public:
  // Errors: kUsage, for the schema.
  static Result<std::unique_ptr<Decoder>> make(DecoderSetup setup, TextRules rules);

  // `bytes` are one message.
  Result<std::size_t> decode(std::string_view bytes, bool last, BatchBuilder& batch) override;

 protected:
  const char* decode_records(const char* begin, const char*, bool, BatchBuilder&) override { return begin; }

 private:
  AvroMessageDecoder(DecoderSetup setup, TextRules rules);
  bool take_frame(std::string_view& bytes, std::string& reason) const;
  std::string why_broken(std::string_view message) const;

  TextRules rules_;
  std::optional<AvroRows> rows_;
  std::uint64_t fingerprint_ = 0;
};

// The header in front of an Avro message; `id`: Confluent's, `fingerprint`: a single object's.
inline constexpr std::size_t kConfluentFrameSize = 5;
inline constexpr std::size_t kSingleObjectFrameSize = 10;
std::string avro_frame(AvroFraming framing, std::uint32_t id, std::uint64_t fingerprint);

}  // namespace stream::format
