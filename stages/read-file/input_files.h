// InputFiles: how files are found and read; the seam below everything read-file does with files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct FileFacts {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;

  bool same_file(const FileFacts& other) const { return device == other.device && inode == other.inode; }
};

// An open file: stays readable when its name goes to another file or away.
class InputFile {
 public:
  virtual ~InputFile() = default;
  // Up to `size` bytes; 0 = the file ends at or before `offset`.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) = 0;
  virtual Result<FileFacts> facts() = 0;
};

class InputFiles {
 public:
  virtual ~InputFiles() = default;
  // The files a path means, sorted: the files a glob matches, a folder's files (not those of folders in it, nor
  // hidden ones), else the path itself, if it is there. Errors: kSystem for a folder that cannot be read.
  virtual Result<std::vector<std::string>> expand(const std::string& path) = 0;
  // Errors: kNotFound.
  virtual Result<std::unique_ptr<InputFile>> open(const std::string& path) = 0;
  virtual Result<FileFacts> facts(const std::string& path) = 0;
};

InputFiles& system_input_files();

// The folder of a path: "." where it has none; for globs, the folder before the first wildcard.
std::string folder_of(const std::string& path);
bool is_glob(const std::string& path);

// Why expand() has found nothing.
Status no_file(InputFiles& files, const std::string& path);

// XXH3-64 of the file's first `size` bytes. Errors: kNotFound if it is shorter.
inline constexpr std::uint64_t kHeadSize = 1024;
std::uint64_t hash_bytes(std::string_view bytes);
Result<std::uint64_t> hash_head(InputFile& file, std::uint64_t size);

}  // namespace stream
