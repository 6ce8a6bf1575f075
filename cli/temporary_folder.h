#pragma once

#include <cstdlib>
#include <string>

namespace stream {

// $TMPDIR, or /tmp.
inline std::string temporary_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder == nullptr || *folder == '\0' ? "/tmp" : folder;
}

}  // namespace stream
