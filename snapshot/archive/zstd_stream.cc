#include "snapshot/archive/zstd_stream.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "transport/base/files.h"

namespace stream {
namespace {

constexpr std::string_view kMagic = "\x28\xB5\x2F\xFD";
constexpr int kLevel = 3;                     // a third of the size at the speed of a disk
constexpr std::size_t kPieceBytes = 1 << 20;  // of one write

}  // namespace

bool is_zstd(const std::string& path) {
  const auto begin = system_files().read_at(path, 0, kMagic.size());
  return begin.ok() && *begin == kMagic;
}

Result<std::unique_ptr<ZstdReader>> ZstdReader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("open", path, errno);
  return std::unique_ptr<ZstdReader>(new ZstdReader(fd, path));
}

ZstdReader::ZstdReader(int fd, std::string path)
    : fd_(fd), path_(std::move(path)), context_(ZSTD_createDCtx()), input_(ZSTD_DStreamInSize()) {}

ZstdReader::~ZstdReader() {
  ZSTD_freeDCtx(context_);
  ::close(fd_);
}

Status ZstdReader::refill() {
  ssize_t got = 0;
  do { got = ::read(fd_, input_.data(), input_.size()); } while (got < 0 && errno == EINTR);
  if (got < 0) return system_error("read", path_, errno);
  at_ = 0;
  size_ = static_cast<std::size_t>(got);
  return {};
}

Result<std::size_t> ZstdReader::read(std::span<char> out) {
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  while (output.pos == 0) {
    if (at_ == size_) STREAM_TRY(refill());
    const bool end = size_ == 0;
    ZSTD_inBuffer input{input_.data() + at_, size_ - at_, 0};
    const std::size_t result = ZSTD_decompressStream(context_, &output, &input);
    if (ZSTD_isError(result)) return corrupt(std::string("it does not unpack: ") + ZSTD_getErrorName(result));
    at_ += input.pos;
    if (input.pos > 0 || output.pos > 0) whole_ = result == 0;
    if (end && output.pos == 0) return whole_ ? Result<std::size_t>(std::size_t{0}) : corrupt("it is cut off");
  }
  return output.pos;
}

ZstdWriter::ZstdWriter(ByteSink sink) : sink_(std::move(sink)), context_(ZSTD_createCCtx()) {
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
}

ZstdWriter::~ZstdWriter() { ZSTD_freeCCtx(context_); }

Status ZstdWriter::flush() {
  STREAM_TRY(sink_(output_));
  output_.clear();
  return {};
}

Status ZstdWriter::compress(std::string_view bytes, bool last) {
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  for (;;) {
    char piece[1 << 16];
    ZSTD_outBuffer output{piece, sizeof piece, 0};
    const std::size_t left = ZSTD_compressStream2(context_, &output, &input, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) return failed(std::string("unable to pack: ") + ZSTD_getErrorName(left));
    output_.append(piece, output.pos);
    if (output_.size() >= kPieceBytes) STREAM_TRY(flush());
    if (last ? left == 0 : input.pos == input.size) return {};
  }
}

Status ZstdWriter::write(std::string_view bytes) { return compress(bytes, false); }

Status ZstdWriter::finish() {
  STREAM_TRY(compress({}, true));
  return flush();
}

}  // namespace stream
