// CrashingFiles: a real folder whose machine dies at the nth operation. From then on every
// operation fails; crash() then leaves on disk what a power cut may leave: of a file what was not
// synced is torn, and, if names are lost too, every folder holds what it held at its last sync_dir().
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "transport/base/files.h"

namespace stream {

class CrashingFiles final : public Files {
 public:
  enum class Names { kLost, kKept };

  // Everything happens below `root`, which exists and is empty. `shadow` is a folder beside it on
  // the same file system. Operations count from 1; 0 = never dies.
  CrashingFiles(std::string root, std::string shadow, int dies_at);

  bool met() const { return dies_at_ != 0 && operations_ >= dies_at_; }
  int operations() const { return operations_; }
  void crash(Names names);

  Status write_file(const std::string& path, std::string_view bytes) override;
  Result<std::string> read_file(const std::string& path) override;
  Status copy_file(const std::string& from, const std::string& to) override;
  Status sync_file(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_dir(const std::string& path) override;
  Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) override;
  Status truncate(const std::string& path, std::uint64_t size) override;
  Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  struct Entry {
    bool folder = false;
    ino_t inode = 0;
  };
  using Folder = std::map<std::string, Entry>;

  Status tick();
  void put_back(const std::string& folder);
  void tear(const std::string& folder);
  std::string shadow_of(ino_t inode) const { return shadow_ + "/" + std::to_string(inode); }

  std::string root_;
  std::string shadow_;
  int dies_at_;
  int operations_ = 0;
  std::map<ino_t, std::uint64_t> synced_;  // how many bytes of a file are durable
  std::map<std::string, Folder> durable_;  // folders as of their last sync_dir()
};

}  // namespace stream
