// What is appended to a job's log, through rotation. Holds no file open between two looks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace stream::http {

inline constexpr std::uint64_t kTailMax = 1U << 20;  // bytes a look; of more than that the last

class LogTail {
 public:
  // Of what is there already nothing is told.
  explicit LogTail(std::string folder);

  struct Look {
    std::vector<std::string> lines;  // whole ones
    std::uint64_t skipped = 0;       // bytes
  };
  Look look();

 private:
  void read_from(int file, std::uint64_t end, Look& out);

  std::string folder_;
  ino_t inode_ = 0;
  std::uint64_t offset_ = 0;
  std::string partial_;
};

}  // namespace stream::http
