// StdoutWriter: rows as text on standard output; what plain mode writes with.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/format/encoder.h"
#include "stages/kit/stage.h"

namespace stream {

class StdoutWriter {
 public:
  enum class Updates : std::uint8_t {
    kFinal,  // changelogs: the rows that are left at end of input
    kAll,    // changelogs: every change, with "_op"
  };
  // `raw_line`: index of the column whose text is the output line itself.
  StdoutWriter(EncoderOptions options, SchemaPtr schema, Updates updates, StateStore& store,
               std::optional<std::size_t> raw_line);

  Status write(const Batch& batch);
  Status flush();   // to the descriptor; waits if the reader is slow
  Status finish();  // what is left, then flush

 private:
  void keep(const Batch& batch);
  void write_lines(const Batch& batch);
  void keep_rows_in(StateStore& store);
  Status encode(std::span<const Row> rows);
  std::int64_t* copies(Row row) { return kept_->at<std::int64_t>(row, kept_->spec().columns() - 1); }
  Status emit_kept();

  SchemaPtr schema_;
  std::unique_ptr<Encoder> encoder_;
  std::optional<std::size_t> raw_line_;
  StateTable* kept_ = nullptr;  // final rows by key
  std::vector<std::size_t> key_;
  bool counted_ = false;  // no key: `key_` is every column, and the table's last one says how many are equal
  std::vector<std::size_t> value_;
  ByteBuilder out_;
};

}  // namespace stream
