#include "snapshot/savepoint_partial.h"

#include <sys/stat.h>

#include "snapshot/folder_lock.h"

namespace stream {
namespace {

constexpr std::string_view kPartial = ".savepoint-partial";
constexpr std::string_view kUnpacked = ".savepoint-unpacked";

std::string beside(const std::string& target, std::string_view suffix) {
  return folder_above(target) + "/." + last_name(target) + std::string(suffix);
}

bool is_real_folder(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::string folder_above(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string unpacked_name(const std::string& target) { return beside(target, kUnpacked); }

Status refuse_existing(const std::string& target) {
  struct stat info {};
  if (::lstat(target.c_str(), &info) != 0) return {};
  return usage_error("'" + target + "' exists; a savepoint replaces nothing");
}

Status remove_partial(Files& files, const std::string& path) {
  if (is_real_folder(path)) {
    STREAM_ASSIGN(const auto names, files.list(path));
    for (const std::string& name : names) STREAM_TRY(files.remove(path + "/" + name));
  }
  return files.remove(path);
}

Status publish_savepoint(Files& files, const std::string& target, const FillPartial& fill) {
  STREAM_TRY(refuse_existing(target));
  const std::string partial = beside(target, kPartial);
  STREAM_TRY(files.make_dir(folder_above(target)));
  const FolderLock busy(folder_above(target), LOCK_SH);  // where there are no locks, nobody cleans up either
  STREAM_TRY(remove_partial(files, partial));
  const Result<std::string> filled = fill(partial);
  const Status finished = filled.ok() ? files.rename(*filled, target) : filled.status();
  if (!finished.ok()) {
    (void)remove_partial(files, partial);  // a full disk must not stay full of it
    return finished;
  }
  STREAM_TRY(files.sync_dir(folder_above(target)));
  return *filled == partial ? Status() : remove_partial(files, partial);
}

Status remove_unfinished(Files& files, const std::string& target) {
  const FolderLock alone(folder_above(target), LOCK_EX | LOCK_NB);
  if (!alone.held()) return {};
  STREAM_TRY(remove_partial(files, beside(target, kPartial)));
  return remove_partial(files, unpacked_name(target));
}

Status remove_published(Files& files, const std::string& target) {
  const FolderLock busy(folder_above(target), LOCK_SH);
  const std::string partial = beside(target, kPartial);
  STREAM_TRY(remove_partial(files, partial));
  struct stat info {};
  if (::lstat(target.c_str(), &info) == 0) {
    STREAM_TRY(files.rename(target, partial));
    STREAM_TRY(files.sync_dir(folder_above(target)));
    STREAM_TRY(remove_partial(files, partial));
  }
  return files.sync_dir(folder_above(target));
}

namespace {

Result<std::vector<std::string>> leftovers(Files& files, const std::string& folder) {
  std::vector<std::string> found;
  Result<std::vector<std::string>> names = files.list(folder);
  if (names.status().code() == Code::kNotFound) return found;
  if (!names.ok()) return std::move(names).status();
  for (const std::string& name : *names) {
    if (name.starts_with('.') && (name.ends_with(kPartial) || name.ends_with(kUnpacked)))
      found.push_back(folder + "/" + name);
  }
  return found;
}

}  // namespace

Result<std::vector<std::string>> savepoint_leftovers(Files& files, const std::string& folder) {
  const FolderLock alone(folder, LOCK_EX | LOCK_NB);
  return alone.held() ? leftovers(files, folder) : std::vector<std::string>();
}

Status remove_savepoint_leftovers(Files& files, const std::string& folder) {
  const FolderLock alone(folder, LOCK_EX | LOCK_NB);
  if (!alone.held()) return {};
  STREAM_ASSIGN(const auto found, leftovers(files, folder));
  for (const std::string& path : found) STREAM_TRY(remove_partial(files, path));
  return {};
}

}  // namespace stream
