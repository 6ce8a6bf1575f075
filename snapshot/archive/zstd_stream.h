// Zstandard, in pieces: reading a compressed file, writing one through the seam of Files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/files.h"
#include "transport/base/status.h"

struct ZSTD_DCtx_s;
struct ZSTD_CCtx_s;

namespace stream {

// Whether the file begins as zstd files do. False if it cannot be read.
bool is_zstd(const std::string& path);

class ZstdReader {
 public:
  // Errors: kNotFound, kSystem.
  static Result<std::unique_ptr<ZstdReader>> open(const std::string& path);
  ~ZstdReader();
  ZstdReader(const ZstdReader&) = delete;
  ZstdReader& operator=(const ZstdReader&) = delete;

  // Unpacked bytes; 0 at the end, when every checksum has been compared. Errors: kCorrupt, kSystem.
  Result<std::size_t> read(std::span<char> out);

 private:
  ZstdReader(int fd, std::string path);
  Status refill();

  int fd_;
  std::string path_;
  ZSTD_DCtx_s* context_;
  std::vector<char> input_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  bool whole_ = false;  // a frame has just ended
};

class ZstdWriter {
 public:
  // Makes or replaces the file.
  static Result<std::unique_ptr<ZstdWriter>> create(Files& files, std::string path);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  Status write(std::string_view bytes);
  Status finish();  // once; not synced

 private:
  ZstdWriter(Files& files, std::string path);
  Status compress(std::string_view bytes, bool last);
  Status flush();

  Files& files_;
  std::string path_;
  ZSTD_CCtx_s* context_;
  std::string output_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace stream
