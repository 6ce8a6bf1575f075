// Zstandard, in pieces: reading a compressed file, packing into whatever takes bytes.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

// Takes what is packed, piece by piece.
using ByteSink = std::function<Status(std::string_view)>;

class ZstdWriter {
 public:
  explicit ZstdWriter(ByteSink sink);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  Status write(std::string_view bytes);
  Status finish();  // once

 private:
  Status compress(std::string_view bytes, bool last);
  Status flush();

  const ByteSink sink_;
  ZSTD_CCtx_s* context_;
  std::string output_;
};

}  // namespace stream
