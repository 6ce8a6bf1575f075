#include "cli/log_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "supervisor/job_log.h"

namespace stream {
namespace {

constexpr int kNumbersMax = 9;  // of what was written before; see stream-manifest(5)
constexpr int kLooks = 100;     // a millisecond apart, while files get other names

void read_rest(int fd, const LogFiles::Take& take) {
  char chunk[256 * 1024];
  for (ssize_t n = 0; (n = ::read(fd, chunk, sizeof chunk)) > 0;) take({chunk, static_cast<std::size_t>(n)});
}

}  // namespace

LogFiles::LogFiles(std::string folder) : folder_(std::move(folder)) {}

LogFiles::~LogFiles() {
  if (fd_ >= 0) ::close(fd_);
}

// Once another is written, nothing more comes into the one that is open: that is known before its rest is read.
void LogFiles::read(const Take& take) {
  for (;;) {
    const bool over = fd_ < 0 || place_of_open() != 0;
    if (fd_ >= 0) read_rest(fd_, take);
    if (!over || !move_on()) return;
  }
}

// To the file that was begun after the open one. While that is looked for, names may change again.
bool LogFiles::move_on() {
  for (int look = 0; look < kLooks; ++look) {
    const int place = fd_ < 0 ? -1 : place_of_open();
    const int next = place < 0 ? oldest() : place - 1;
    if (next < 0) return false;
    const int fd = ::open(path_of(next).c_str(), O_RDONLY | O_CLOEXEC);
    const bool same = fd >= 0 && (fd_ < 0 || place_of_open() == place);
    if (same) {
      lost_ = lost_ || (place < 0 && fd_ >= 0);
      if (fd_ >= 0) ::close(fd_);
      fd_ = fd;
      return true;
    }
    if (fd >= 0) ::close(fd);
    ::poll(nullptr, 0, 1);
  }
  return false;
}

std::string LogFiles::path_of(int number) const {
  return number == 0 ? folder_ + "/" + std::string(kLogFile) : folder_ + "/stream." + std::to_string(number) + ".log";
}

int LogFiles::place_of_open() const {
  struct stat open {};
  struct stat there {};
  if (::fstat(fd_, &open) != 0) return -1;
  for (int number = 0; number <= kNumbersMax; ++number) {
    if (::stat(path_of(number).c_str(), &there) == 0 && there.st_ino == open.st_ino && there.st_dev == open.st_dev)
      return number;
  }
  return -1;
}

int LogFiles::oldest() const {
  for (int number = kNumbersMax; number >= 0; --number) {
    if (::access(path_of(number).c_str(), R_OK) == 0) return number;
  }
  return -1;
}

}  // namespace stream
