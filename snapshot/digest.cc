#include "snapshot/digest.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace stream {
namespace {

constexpr std::size_t kChunk = 256 << 10;

std::string hex(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

Result<FileDigest> digest_open(int fd, const std::string& path) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  STREAM_CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  const auto chunk = std::make_unique_for_overwrite<char[]>(kChunk);
  FileDigest digest;
  for (;;) {
    const ssize_t n = ::read(fd, chunk.get(), kChunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path, errno);
    if (n == 0) break;
    EVP_DigestUpdate(context.get(), chunk.get(), static_cast<std::size_t>(n));
    digest.size_bytes += static_cast<std::uint64_t>(n);
  }
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  STREAM_CHECK(EVP_DigestFinal_ex(context.get(), sum, &length) == 1);
  digest.sha256 = hex(sum, length);
  return digest;
}

}  // namespace

Result<FileDigest> digest_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("open", path, errno);
  Result<FileDigest> digest = digest_open(fd, path);
  ::close(fd);
  return digest;
}

std::array<char, 16> xxh3_128(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::array<char, 16> out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}

}  // namespace stream
