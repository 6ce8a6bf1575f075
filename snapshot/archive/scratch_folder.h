// ScratchFolder: where an archive is unpacked while somebody reads it. It goes with this object; what a process that
// was killed has left is told from what is in use by a lock, which every process that uses it holds.
#pragma once

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

class ScratchFolder {
 public:
  // Makes an empty folder of mode 0700 below `root`, which is made if absent, and removes what others left there.
  static Result<ScratchFolder> make(const std::string& root);
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, int lock);

  std::string path_;
  int lock_;   // descriptor of the folder
  int owner_;  // process; what a child inherits is not its to remove
};

// Folders below `root` that nobody uses any more.
std::vector<std::string> abandoned_scratch(const std::string& root);
Status remove_abandoned_scratch(const std::string& root);

}  // namespace stream
