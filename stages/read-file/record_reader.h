// RecordReader: rows from a byte stream that may grow: reads, decodes, keeps what is not whole yet.
#pragma once

#include <cstdint>
#include <memory>

#include "stages/format/byte_reader.h"
#include "stages/format/decoder.h"
#include "stages/format/input_buffer.h"
#include "stages/read-file/position.h"

namespace stream {

class RecordReader {
 public:
  // The decoder stands at the offset at which `bytes` begin.
  RecordReader(std::unique_ptr<ByteReader> bytes, std::unique_ptr<Decoder> decoder);

  enum class State : std::uint8_t {
    kMore,  // the batch is full, or much has been read: call again
    kDry,   // nothing more for now; a partial last record is held back
    kEnd,   // everything has been read, the last record included
  };
  // Adds rows to the batch. `ending`: what is there is all there will be. `reads_max` bounds the
  // reads of one call, for streams whose reads may block.
  Result<State> read(BatchBuilder& batch, bool ending, std::size_t reads_max = 32);

  // Of the first record not in a batch: meaningful when the batch has been emitted.
  std::uint64_t position() const { return decoder_->position(); }
  std::uint64_t records_done() const { return decoder_->records_done(); }
  const Decoder& decoder() const { return *decoder_; }

 private:
  std::unique_ptr<ByteReader> bytes_;
  std::unique_ptr<Decoder> decoder_;
  InputBuffer buffer_;
  bool leftover_ = false;  // decode() stopped at a full batch
};

// Where the next record to emit stands.
void take_position(const RecordReader& reader, Position& position);

}  // namespace stream
