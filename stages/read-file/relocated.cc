#include "stages/read-file/relocated.h"

#include <algorithm>

namespace stream {
namespace {

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string folder_holding(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

Result<std::vector<std::string>> relocated(InputFiles& files, const std::string& path, const std::string& was) {
  if (folder_of(path) == folder_holding(was)) return std::vector<std::string>();
  STREAM_ASSIGN(std::vector<std::string> found, files.expand(path));
  std::stable_partition(found.begin(), found.end(),
                        [&](const std::string& each) { return name_of(each) == name_of(was); });
  return found;
}

}  // namespace stream
