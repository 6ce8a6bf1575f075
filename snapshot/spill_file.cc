#include "snapshot/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "transport/base/files.h"

namespace stream {

SpillFile::~SpillFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status SpillFile::open(const std::string& folder) {
  STREAM_TRY(system_files().make_dir(folder));
  const std::string path = folder + "/spill." + std::to_string(::getpid());
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd_ < 0) return system_error("make", path, errno);
  if (::unlink(path.c_str()) != 0) return system_error("unlink", path, errno);
  return {};
}

int SpillFile::write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size) {
  while (size != 0) {
    const ssize_t written = ::pwrite(fd_, bytes, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    bytes += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

int SpillFile::reserve(std::uint64_t offset, std::size_t size) {
  for (;;) {
    const int error = ::posix_fallocate(fd_, static_cast<off_t>(offset), static_cast<off_t>(size));
    if (error != EINTR) return error;
  }
}

// Where the file system can make no holes, the bytes are overwritten: what comes next to this place finds zeroes.
void SpillFile::release(std::uint64_t offset, std::size_t size) {
  static constexpr std::uint8_t kZeroes[4096] = {};
  const auto at = static_cast<off_t>(offset);
  if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, static_cast<off_t>(size)) == 0) return;
  for (std::size_t done = 0; done < size; done += sizeof kZeroes) (void)write(offset + done, kZeroes, sizeof kZeroes);
}

}  // namespace stream
