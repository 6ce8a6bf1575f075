// TableEncoder: aligned columns for people.
//
// Widths come from the header and the first batch. If they do not fit the terminal, the widest columns
// give way first (never below 8); text is then cut with "…". Numbers stand right. Control characters
// show as "·". Widths count code points, East Asian wide ones and emoji twice, combining marks not at all.
#pragma once

#include <string>
#include <vector>

#include "stages/format/encoder.h"

namespace stream::format {

class TableEncoder final : public Encoder {
 public:
  TableEncoder(const EncoderOptions& options, SchemaPtr schema);
  void encode(const Batch& batch, ByteBuilder& out) override;
  void finish(ByteBuilder& out) override;

 private:
  using Row = std::vector<std::string>;
  Row cells(const Batch& batch, std::size_t row) const;
  void fit(const std::vector<Row>& rows);
  void write_header(ByteBuilder& out);
  void write_row(const Row& row, ByteBuilder& out) const;

  EncoderOptions options_;
  SchemaPtr schema_;
  Row names_;
  std::vector<bool> right_;
  std::vector<std::size_t> widths_;  // empty before the first batch
};

// Columns the text takes on a terminal.
std::size_t display_width(std::string_view text);

}  // namespace stream::format
