// ScratchFolder: a folder of one's own below $TMPDIR, or /tmp, that goes with the process.
#pragma once

#include <memory>
#include <string>

#include "transport/base/status.h"

namespace stream {

std::string temporary_folder();  // $TMPDIR, or /tmp

class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> make(const std::string& prefix);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace stream
