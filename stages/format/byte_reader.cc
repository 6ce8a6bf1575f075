#include "stages/format/byte_reader.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace stream {
namespace {

// Starting again, or from an earlier checkpoint, would read the same.
Status bad_data(std::string what) { return {Code::kBadRecord, std::move(what)}; }

constexpr std::size_t kChunk = 128 * 1024;
constexpr std::size_t kMagicSize = 4;

class FileReader final : public ByteReader {
 public:
  FileReader(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  ~FileReader() override { ::close(fd_); }

  Result<std::size_t> read(char* to, std::size_t size) override {
    for (;;) {
      const ssize_t count = ::read(fd_, to, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return system_error("read", name_, errno);
    }
  }

 private:
  int fd_;
  std::string name_;
};

class MemoryReader final : public ByteReader {
 public:
  explicit MemoryReader(std::string_view bytes) : bytes_(bytes) {}

  Result<std::size_t> read(char* to, std::size_t size) override {
    size = std::min(size, bytes_.size());
    if (size != 0) std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view bytes_;
};

// Gives back the bytes that were looked at, then the rest.
class PrefixedReader final : public ByteReader {
 public:
  PrefixedReader(std::string prefix, std::unique_ptr<ByteReader> inner)
      : prefix_(std::move(prefix)), inner_(std::move(inner)) {}

  Result<std::size_t> read(char* to, std::size_t size) override {
    if (prefix_.empty()) return inner_->read(to, size);
    size = std::min(size, prefix_.size());
    std::memcpy(to, prefix_.data(), size);
    prefix_.erase(0, size);
    return size;
  }

 private:
  std::string prefix_;
  std::unique_ptr<ByteReader> inner_;
};

class GzipReader final : public ByteReader {
 public:
  explicit GzipReader(std::unique_ptr<ByteReader> inner) : inner_(std::move(inner)), input_(kChunk) {
    STREAM_CHECK(inflateInit2(&state_, 15 + 16) == Z_OK);  // 16: gzip, not zlib
  }
  ~GzipReader() override { inflateEnd(&state_); }

  Result<std::size_t> read(char* to, std::size_t size) override {
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30));
    const uInt room = state_.avail_out;
    while (state_.avail_out == room) {
      if (state_.avail_in == 0) {
        STREAM_ASSIGN(const std::size_t count, inner_->read(input_.data(), input_.size()));
        state_.next_in = reinterpret_cast<Bytef*>(input_.data());
        state_.avail_in = static_cast<uInt>(count);
        if (count == 0 && !at_member_end_) return bad_data("gzip data ends too early");
        if (count == 0) break;
      }
      if (at_member_end_) inflateReset(&state_);
      const int result = inflate(&state_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END) {
        return bad_data(std::string("broken gzip data: ") + (state_.msg == nullptr ? "unknown" : state_.msg));
      }
      at_member_end_ = result == Z_STREAM_END;
    }
    return static_cast<std::size_t>(room - state_.avail_out);
  }

 private:
  std::unique_ptr<ByteReader> inner_;
  std::vector<char> input_;
  z_stream state_{};
  bool at_member_end_ = false;
};

class ZstdReader final : public ByteReader {
 public:
  explicit ZstdReader(std::unique_ptr<ByteReader> inner)
      : inner_(std::move(inner)), bytes_(kChunk), state_(ZSTD_createDStream(), ZSTD_freeDStream) {
    STREAM_CHECK(state_ != nullptr);
  }

  Result<std::size_t> read(char* to, std::size_t size) override {
    ZSTD_outBuffer output{to, size, 0};
    while (output.pos == 0 && size != 0) {
      if (input_.pos == input_.size && !more_output_) {
        STREAM_ASSIGN(const std::size_t count, inner_->read(bytes_.data(), bytes_.size()));
        input_ = {bytes_.data(), count, 0};
        if (count == 0 && !at_frame_end_) return bad_data("zstd data ends too early");
        if (count == 0) return 0;
      }
      const std::size_t hint = ZSTD_decompressStream(state_.get(), &output, &input_);
      if (ZSTD_isError(hint) != 0) return bad_data(std::string("broken zstd data: ") + ZSTD_getErrorName(hint));
      at_frame_end_ = hint == 0;
      more_output_ = !at_frame_end_ && output.pos == output.size;
    }
    return output.pos;
  }

 private:
  std::unique_ptr<ByteReader> inner_;
  std::vector<char> bytes_;
  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> state_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool at_frame_end_ = false;
  bool more_output_ = false;
};

}  // namespace

Compression compression_of(std::string_view head) {
  if (head.starts_with("\x1f\x8b\x08")) return Compression::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  return Compression::kNone;
}

std::unique_ptr<ByteReader> file_reader(int fd, std::string name) {
  return std::make_unique<FileReader>(fd, std::move(name));
}

std::unique_ptr<ByteReader> memory_reader(std::string_view bytes) { return std::make_unique<MemoryReader>(bytes); }

std::unique_ptr<ByteReader> decompressing_reader(std::unique_ptr<ByteReader> inner, Compression compression) {
  switch (compression) {
    case Compression::kGzip: return std::make_unique<GzipReader>(std::move(inner));
    case Compression::kZstd: return std::make_unique<ZstdReader>(std::move(inner));
    case Compression::kNone: break;
  }
  return inner;
}

Result<std::unique_ptr<ByteReader>> detecting_reader(std::unique_ptr<ByteReader> inner) {
  std::string head;
  char byte[kMagicSize];
  while (head.size() < kMagicSize) {
    STREAM_ASSIGN(const std::size_t count, inner->read(byte, kMagicSize - head.size()));
    if (count == 0) break;
    head.append(byte, count);
  }
  const Compression compression = compression_of(head);
  return decompressing_reader(std::make_unique<PrefixedReader>(std::move(head), std::move(inner)), compression);
}

Status skip_bytes(ByteReader& reader, std::uint64_t count) {
  std::vector<char> waste(static_cast<std::size_t>(std::min<std::uint64_t>(count, kChunk)));
  while (count != 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(count, waste.size()));
    STREAM_ASSIGN(const std::size_t got, reader.read(waste.data(), size));
    if (got == 0) return bad_data("the data is shorter than the position to go on at");
    count -= got;
  }
  return {};
}

}  // namespace stream
