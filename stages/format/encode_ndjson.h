// The encoders behind make_encoder().
#pragma once

#include <string>
#include <vector>

#include "stages/format/encoder.h"

namespace stream::format {

class NdjsonEncoder final : public Encoder {
 public:
  NdjsonEncoder(const EncoderOptions& options, const Schema& schema);
  void encode(const Batch& batch, ByteBuilder& out) override;

 private:
  std::size_t row_size(const Batch& batch, std::size_t row) const;
  char* write_row(char* to, const Batch& batch, std::size_t row);
  char* write_value(char* to, const Column& column, std::size_t row);

  bool row_kinds_;
  std::vector<std::string> keys_;  // `"name":`
  std::size_t fixed_size_ = 0;     // the most a row needs beside its variable-width values
};

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(const EncoderOptions& options, SchemaPtr schema);
  void encode(const Batch& batch, ByteBuilder& out) override;
  void finish(ByteBuilder& out) override { write_header(out); }

 private:
  void write_header(ByteBuilder& out);
  char* write_text(char* to, std::string_view text) const;

  EncoderOptions options_;
  SchemaPtr schema_;
  bool header_due_;
};

}  // namespace stream::format
