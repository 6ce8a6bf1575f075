// FolderLock: a lock on a folder between processes, gone with this object or its process.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace stream {

class FolderLock {
 public:
  // `operation` is that of flock(2): LOCK_SH or LOCK_EX, with LOCK_NB to get none where another has it.
  FolderLock(const std::string& path, int operation) : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0 || ::flock(fd_, operation) == 0) return;
    ::close(fd_);
    fd_ = -1;
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  bool held() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }  // its descriptor, which then holds the lock

 private:
  int fd_;
};

}  // namespace stream
