// SpillFile: the file that spilled state is in. It has no name, so whatever happens nothing of it is left behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "transport/base/status.h"

namespace stream {

class SpillFile {
 public:
  SpillFile() = default;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile();

  bool is_open() const { return fd_ >= 0; }
  // Makes the folder and the file.
  Status open(const std::string& folder);
  // All of the following may be called in a signal handler; they return 0 or an error number.
  int write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size);
  // Takes room on the disk, so that writing through a mapping cannot fail for want of it. Reads as zero.
  int reserve(std::uint64_t offset, std::size_t size);
  // Gives the room back.
  void release(std::uint64_t offset, std::size_t size);
  int descriptor() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace stream
