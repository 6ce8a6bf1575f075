#include "stages/read-file/record_reader.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::size_t kReadSize = 128 * 1024;

}  // namespace

RecordReader::RecordReader(std::unique_ptr<ByteReader> bytes, std::unique_ptr<Decoder> decoder)
    : bytes_(std::move(bytes)), decoder_(std::move(decoder)) {}

Result<RecordReader::State> RecordReader::read(BatchBuilder& batch, bool ending, std::size_t reads_max) {
  bool end = false;
  for (std::size_t reads = 0;; ++reads) {
    if (!leftover_ && !end) {
      if (reads == reads_max) return State::kMore;
      // A long record doubles the buffer, so that it is not looked through too often.
      const std::size_t wanted = std::max(kReadSize, buffer_.bytes().size());
      char* space = buffer_.space(wanted);
      STREAM_ASSIGN(const std::size_t count, bytes_->read(space, wanted));
      buffer_.filled(count);
      if (count == 0 && !ending) return State::kDry;
      end = count == 0;
    }
    leftover_ = false;
    STREAM_ASSIGN(const std::size_t used, decoder_->decode(buffer_.bytes(), end, batch));
    buffer_.consume(used);
    if (batch.full()) {
      leftover_ = true;
      return State::kMore;
    }
    if (end) return State::kEnd;
  }
}

void take_position(const RecordReader& reader, Position& position) {
  position.offset = static_cast<std::int64_t>(reader.position());
  position.records = static_cast<std::int64_t>(reader.records_done());
}

}  // namespace stream
