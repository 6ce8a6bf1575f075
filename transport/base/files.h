// Files: the few file operations durability depends on, so that tests can fail each of them.
//
// Nothing is durable until synced: bytes by sync_file(), names by sync_dir(). SQLite writes its
// scratch files by itself; they become part of a checkpoint only through this seam.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

class Files {
 public:
  virtual ~Files() = default;

  // Creates or replaces `path`. Parent folders must exist.
  virtual Status write_file(const std::string& path, std::string_view bytes) = 0;
  virtual Result<std::string> read_file(const std::string& path) = 0;
  // Creates or replaces `to` with the bytes of `from`, which may be on another file system.
  virtual Status copy_file(const std::string& from, const std::string& to);
  virtual Status sync_file(const std::string& path) = 0;
  virtual Status sync_dir(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Gives the file `from` the name `to` as well, unless that is taken: then false. Of several that try, one gets it.
  virtual Result<bool> link_unless_taken(const std::string& from, const std::string& to);
  // Removing what does not exist is OK.
  virtual Status remove(const std::string& path) = 0;
  // Makes the folder and its parents; one that exists is OK.
  virtual Status make_dir(const std::string& path) = 0;
  // Puts bytes at this offset of `path`, which is made if absent; what lies behind them stays.
  virtual Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes);
  // Up to `size_max` bytes from this offset; fewer only at the end of the file.
  virtual Result<std::string> read_at(const std::string& path, std::uint64_t offset, std::size_t size_max);
  virtual Result<std::uint64_t> size(const std::string& path);
  virtual Status truncate(const std::string& path, std::uint64_t size_bytes) = 0;
  // Names (not paths) in the folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
};

// The machine's file system. Stateless; lives for the whole process.
Files& system_files();

}  // namespace stream
