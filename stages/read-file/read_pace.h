// ReadPace: how many rows some bytes are, by those that were read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "stages/format/decoder.h"
#include "stages/read-file/record_reader.h"

namespace stream {

class ReadPace {
 public:
  // Reads, and counts what was read. As RecordReader::read().
  Result<RecordReader::State> read(RecordReader& reader, BatchBuilder& batch, bool ending) {
    const std::uint64_t begin = reader.position();
    const std::size_t rows = batch.rows();
    auto state = reader.read(batch, ending);
    bytes_ += reader.position() - std::min(begin, reader.position());
    rows_ += batch.rows() - std::min(rows, batch.rows());
    return state;
  }

  // Nothing: none was read yet.
  std::optional<std::uint64_t> rows_of(std::uint64_t bytes) const {
    if (bytes_ == 0 || rows_ == 0) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<double>(bytes) * static_cast<double>(rows_) /
                                      static_cast<double>(bytes_));
  }

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t rows_ = 0;
};

}  // namespace stream
