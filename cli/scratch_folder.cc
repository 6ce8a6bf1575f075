#include "cli/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace stream {

std::string temporary_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder == nullptr || *folder == '\0' ? "/tmp" : folder;
}

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::make(const std::string& prefix) {
  std::string path = temporary_folder() + "/" + prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return system_error("make", path, errno);
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(path)));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace stream
