#include "snapshot/archive/scratch_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "snapshot/folder_lock.h"
#include "transport/base/files.h"

namespace stream {
namespace {

namespace fs = std::filesystem;

// With the lock of the root: a folder that has just been made is not taken for abandoned.
std::vector<std::string> abandoned(const std::string& root) {
  std::vector<std::string> found;
  const auto names = system_files().list(root);
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    const std::string path = root + "/" + name;
    if (FolderLock(path, LOCK_EX | LOCK_NB).held()) found.push_back(path);
  }
  return found;
}

Status remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? system_error("remove", path, error.value()) : Status();
}

}  // namespace

Result<ScratchFolder> ScratchFolder::make(const std::string& root) {
  STREAM_TRY(system_files().make_dir(root));
  const FolderLock all(root, LOCK_EX);
  if (!all.held()) return system_error("lock", root, errno);
  for (const std::string& path : abandoned(root)) STREAM_TRY(remove_folder(path));
  std::string path = root + "/XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return system_error("create folder", path, errno);
  FolderLock own(path, LOCK_EX | LOCK_NB);
  if (!own.held()) return system_error("lock", path, errno);
  return ScratchFolder(std::move(path), own.release());
}

ScratchFolder::ScratchFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock), owner_(::getpid()) {}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), owner_(other.owner_) {}

ScratchFolder::~ScratchFolder() {
  if (lock_ < 0) return;
  if (owner_ == ::getpid()) (void)remove_folder(path_);  // else the next one who makes a folder does
  ::close(lock_);
}

std::vector<std::string> abandoned_scratch(const std::string& root) {
  const FolderLock all(root, LOCK_EX);
  return all.held() ? abandoned(root) : std::vector<std::string>();
}

Status remove_abandoned_scratch(const std::string& root) {
  const FolderLock all(root, LOCK_EX);
  if (!all.held()) return {};
  for (const std::string& path : abandoned(root)) STREAM_TRY(remove_folder(path));
  return {};
}

}  // namespace stream
