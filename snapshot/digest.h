// Hashes: SHA-256 of files for publication and transport, XXH3-128 of segments for quick restore.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/base/status.h"
#include "transport/base/steps.h"

struct SHA256state_st;

namespace stream {

struct FileDigest {
  std::uint64_t size_bytes = 0;
  std::string sha256;  // 64 hex digits
};

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  ~Sha256();
  void add(std::string_view bytes);
  FileDigest finish();  // once; size_bytes counts what was added

 private:
  std::unique_ptr<SHA256state_st> state_;
  std::uint64_t size_bytes_ = 0;
};

// Reads the whole file in pieces, some megabytes a step. Errors: kNotFound, kSystem.
Result<FileDigest> digest_file(const std::string& path, const RunStep& run = run_here);
// The same of a file that this process has just written to a disk of its own: its pages are read where they lie in
// memory. Where the disk fails meanwhile the process ends.
Result<FileDigest> digest_written(const std::string& path);

// XXH3-128, seed 0, in its canonical (big endian) form.
std::array<char, 16> xxh3_128(std::string_view bytes);

}  // namespace stream
