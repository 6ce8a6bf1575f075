#include "snapshot/digest.h"

// The functions of SHA-256 alone: behind OpenSSL's newer interface stand 3 MB of memory that every
// stage would hold.
#define OPENSSL_SUPPRESS_DEPRECATED
#define XXH_INLINE_ALL
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

namespace stream {
namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kWindow = 1 << 20;
constexpr std::size_t kStep = 8 << 20;

std::string hex(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// Up to kStep bytes more; false at the end.
Result<bool> add_bytes(int fd, const std::string& path, std::span<char> chunk, Sha256& sum) {
  for (std::size_t done = 0; done < kStep;) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path, errno);
    if (n == 0) return false;
    sum.add({chunk.data(), static_cast<std::size_t>(n)});
    done += static_cast<std::size_t>(n);
  }
  return true;
}

Result<FileDigest> digest_open(int fd, const std::string& path, const RunStep& run) {
  const auto chunk = std::make_unique_for_overwrite<char[]>(kChunk);
  Sha256 sum;
  for (bool more = true; more;) {
    STREAM_TRY(run([&]() -> Status {
      STREAM_ASSIGN(more, add_bytes(fd, path, {chunk.get(), kChunk}, sum));
      return {};
    }));
  }
  return sum.finish();
}

Result<FileDigest> digest_mapped(int fd, const std::string& path) {
  struct stat about;
  if (::fstat(fd, &about) != 0) return system_error("look at", path, errno);
  Sha256 sum;
  const auto size = static_cast<std::size_t>(about.st_size);
  for (std::size_t at = 0; at < size; at += kWindow) {
    const std::size_t length = std::min(kWindow, size - at);
    void* window = ::mmap(nullptr, length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(at));
    if (window == MAP_FAILED) return system_error("map", path, errno);
    sum.add({static_cast<const char*>(window), length});
    ::munmap(window, length);
  }
  return sum.finish();
}

template <class DigestOpenFile>  // Result<FileDigest>(int, const std::string&)
Result<FileDigest> digest_with(const DigestOpenFile& digest_open_file, const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("open", path, errno);
  Result<FileDigest> digest = digest_open_file(fd, path);
  ::close(fd);
  return digest;
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<SHA256state_st>()) { SHA256_Init(state_.get()); }
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  SHA256_Update(state_.get(), bytes.data(), bytes.size());
  size_bytes_ += bytes.size();
}

FileDigest Sha256::finish() {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256_Final(sum, state_.get());
  return {size_bytes_, hex(sum, sizeof sum)};
}

Result<FileDigest> digest_file(const std::string& path, const RunStep& run) {
  return digest_with([&](int fd, const std::string& name) { return digest_open(fd, name, run); }, path);
}
Result<FileDigest> digest_written(const std::string& path) { return digest_with(digest_mapped, path); }

std::array<char, 16> xxh3_128(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::array<char, 16> out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}

}  // namespace stream
