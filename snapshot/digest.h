// Hashes: SHA-256 of files for publication and transport, XXH3-128 of segments for quick restore.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

struct FileDigest {
  std::uint64_t size_bytes = 0;
  std::string sha256;  // 64 hex digits
};

// Reads the whole file in pieces. Errors: kNotFound, kSystem.
Result<FileDigest> digest_file(const std::string& path);

// XXH3-128, seed 0, in its canonical (big endian) form.
std::array<char, 16> xxh3_128(std::string_view bytes);

}  // namespace stream
