// StdinSource: text on standard input as rows; what plain mode reads with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "stages/format/decoder.h"
#include "stages/format/input_buffer.h"
#include "stages/kit/stage.h"

namespace stream {

// The hidden column that holds an input record as it was read, for stages that pass lines through.
inline constexpr std::string_view kRawLineColumn = "_line";

class StdinSource final : public Source {
 public:
  explicit StdinSource(FormatOptions options) : options_(std::move(options)) {}

  // Waits for the first byte or the end. True if the input ends without any byte.
  Result<bool> empty();

  // Reads what is there, at least one record, and infers a schema from it; `declared` wins.
  Result<Schema> schema(const std::string& declared);

  // From now on rows have these columns of the schema and, if asked for, the raw line.
  Status want(const Schema& schema, SchemaPtr wanted, bool raw_lines);

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return 0; }
  Microseconds idle_wait() const override { return 1'000'000; }

 private:
  Status read_some();
  bool readable(Microseconds patience) const;
  Status gather_sample();
  Status emit(Batch rows, Emitter& out);
  Batch with_lines(Batch rows, std::string_view bytes) const;

  FormatOptions options_;
  InputBuffer buffer_;
  std::uint64_t buffer_offset_ = 0;  // of the first byte in the buffer
  bool at_end_ = false;
  std::unique_ptr<Decoder> decoder_;
  SchemaPtr wanted_;      // without the raw line
  SchemaPtr out_schema_;  // with it
  bool raw_lines_ = false;
  std::vector<RecordExtent> extents_;
  std::optional<BatchBuilder> builder_;
  std::vector<BadRecord> bad_;       // of the running poll()
  std::size_t rows_before_bad_ = 0;  // … the rows before the first of them
};

}  // namespace stream
