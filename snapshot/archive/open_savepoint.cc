#include "snapshot/archive/open_savepoint.h"

#include <sys/stat.h>

#include "snapshot/archive/pack.h"
#include "snapshot/savepoint_partial.h"

namespace stream {

Result<OpenSavepoint> OpenSavepoint::open(const std::string& path, const std::string& scratch) {
  OpenSavepoint opened;
  std::string found = path;
  if (is_archive(path)) {
    STREAM_ASSIGN(ScratchFolder folder, ScratchFolder::make(scratch));
    opened.scratch_ = std::make_shared<const ScratchFolder>(std::move(folder));
    STREAM_ASSIGN(found, unpack_archive(path, opened.scratch_->path(), false));
  }
  STREAM_ASSIGN(opened.index_, load_savepoint(found));
  opened.folder_ = savepoint_folder(found);
  if (opened.scratch_) {
    Status whole = verify_files(opened.index_, opened.folder_);
    if (!whole.ok()) return std::move(whole).while_doing("unable to read '" + path + "'");
  }
  return opened;
}

Result<CheckpointIndex> savepoint_index(const std::string& path, const std::string& scratch) {
  if (!is_archive(path)) return load_savepoint(path);
  STREAM_ASSIGN(const ScratchFolder folder, ScratchFolder::make(scratch));
  STREAM_ASSIGN(const std::string found, unpack_archive(path, folder.path(), true));
  return load_savepoint(found);
}

Result<CheckpointIndex> delete_any_savepoint(Files& files, const std::string& path, const std::string& scratch) {
  struct stat info {};
  const bool file = ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  if (!file || !is_archive(path)) return delete_savepoint(files, path);
  auto index = savepoint_index(path, scratch);
  if (!index.ok()) return usage_error("'" + path + "' is not a savepoint; nothing was deleted");
  STREAM_TRY(remove_published(files, path));
  return index;
}

}  // namespace stream
