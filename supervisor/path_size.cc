#include "supervisor/path_size.h"

#include <filesystem>

namespace stream {

std::uint64_t size_below(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const auto size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  std::uint64_t bytes = 0;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (const auto size = at->file_size(ignored); !ignored) bytes += size;
  }
  return bytes;
}

}  // namespace stream
