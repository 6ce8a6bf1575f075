// ByteReader: bytes from a file or pipe, decompressed where they are compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

class ByteReader {
 public:
  virtual ~ByteReader() = default;
  // Reads up to `size` bytes; 0 means the end. Errors: kSystem for reading, kCorrupt for compressed bytes
  // that are broken or end too early.
  virtual Result<std::size_t> read(char* to, std::size_t size) = 0;
};

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

// By the first bytes (4 are enough); fewer bytes that could still become a magic number are kNone.
Compression compression_of(std::string_view head);

// Reads from a descriptor, which is closed with the reader; `name` is for errors.
std::unique_ptr<ByteReader> file_reader(int fd, std::string name);
// Reads bytes in memory, which must outlive the reader.
std::unique_ptr<ByteReader> memory_reader(std::string_view bytes);

// Decompresses what `inner` yields; gzip members and zstd frames may follow one another.
std::unique_ptr<ByteReader> decompressing_reader(std::unique_ptr<ByteReader> inner, Compression compression);
// Looks at the first bytes and decompresses if need be.
Result<std::unique_ptr<ByteReader>> detecting_reader(std::unique_ptr<ByteReader> inner);

// Reads and drops `count` bytes. Errors: kCorrupt if there are fewer.
Status skip_bytes(ByteReader& reader, std::uint64_t count);

}  // namespace stream
