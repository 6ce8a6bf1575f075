// Rows in Avro's binary form: files of blocks, and messages of one record each.
#pragma once

#include <string>

#include "stages/format/avro_header.h"
#include "stages/format/encoder.h"

namespace stream::format {

// Appends a row as a record of the schema of avro_schema_of().
void append_avro_row(const Batch& batch, std::size_t row, bool row_kinds, ByteBuilder& out);

// A file. Rows are gathered into blocks of 64 KiB; complete() ends the one that is begun.
class AvroEncoder final : public Encoder {
 public:
  AvroEncoder(const EncoderOptions& options, const Schema& schema);

  void encode(const Batch& batch, ByteBuilder& out) override;
  void complete(ByteBuilder& out) override;
  void finish(ByteBuilder& out) override { write_header(out); }

 private:
  void write_header(ByteBuilder& out);

  EncoderOptions options_;
  std::string schema_;
  std::string marker_;
  bool header_due_;
  ByteBuilder block_;
  std::int64_t rows_ = 0;  // of the block
  std::string packed_;
};

}  // namespace stream::format
