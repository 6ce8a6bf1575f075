#include "tests/support/crashing_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "transport/base/check.h"

namespace stream {
namespace {

namespace fs = std::filesystem;

// A folder by one name, however it is written.
std::string plain(const std::string& path) {
  std::string name = fs::path(path).lexically_normal();
  if (name.ends_with('/')) name.pop_back();
  return name;
}

struct stat look(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) info.st_ino = 0;
  return info;
}

}  // namespace

CrashingFiles::CrashingFiles(std::string root, std::string shadow, int dies_at)
    : root_(std::move(root)), shadow_(std::move(shadow)), dies_at_(dies_at) {
  durable_[root_];
}

Status CrashingFiles::tick() {
  if (dies_at_ != 0 && operations_ >= dies_at_) return {Code::kSystem, "the machine is dead"};
  ++operations_;
  return met() ? Status(Code::kSystem, "the machine died") : Status();
}

Status CrashingFiles::write_file(const std::string& path, std::string_view bytes) {
  STREAM_TRY(tick());
  STREAM_TRY(system_files().write_file(path, bytes));
  synced_.erase(look(path).st_ino);
  return {};
}

Result<std::string> CrashingFiles::read_file(const std::string& path) { return system_files().read_file(path); }

Status CrashingFiles::copy_file(const std::string& from, const std::string& to) {
  STREAM_TRY(tick());
  STREAM_TRY(system_files().copy_file(from, to));
  synced_.erase(look(to).st_ino);
  return {};
}

Status CrashingFiles::sync_file(const std::string& path) {
  STREAM_TRY(tick());
  const struct stat info = look(path);
  if (info.st_ino == 0) return {Code::kNotFound, "unable to sync '" + path + "'"};
  synced_[info.st_ino] = static_cast<std::uint64_t>(info.st_size);
  return {};
}

// Remembers the folder, and its files by a second link each, so that crash() can bring them back.
Status CrashingFiles::sync_dir(const std::string& path) {
  STREAM_TRY(tick());
  STREAM_ASSIGN(const auto names, system_files().list(path));
  Folder folder;
  for (const std::string& name : names) {
    const struct stat info = look(path + "/" + name);
    folder[name] = {S_ISDIR(info.st_mode), info.st_ino};
    if (!S_ISDIR(info.st_mode)) ::link((path + "/" + name).c_str(), shadow_of(info.st_ino).c_str());
  }
  durable_[plain(path)] = std::move(folder);
  return {};
}

Status CrashingFiles::rename(const std::string& from, const std::string& to) {
  STREAM_TRY(tick());
  STREAM_TRY(system_files().rename(from, to));
  if (durable_.contains(plain(from))) durable_[plain(to)] = durable_[plain(from)];  // what a folder holds goes with it
  return {};
}

Status CrashingFiles::remove(const std::string& path) {
  STREAM_TRY(tick());
  return system_files().remove(path);
}

Status CrashingFiles::make_dir(const std::string& path) {
  STREAM_TRY(tick());
  return system_files().make_dir(path);
}

Status CrashingFiles::truncate(const std::string& path, std::uint64_t size) {
  STREAM_TRY(tick());
  return system_files().truncate(path, size);
}

Status CrashingFiles::write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  STREAM_TRY(tick());
  STREAM_TRY(system_files().write_at(path, offset, bytes));
  const auto synced = synced_.find(look(path).st_ino);
  if (synced != synced_.end()) synced->second = std::min(synced->second, offset);
  return {};
}

Result<std::vector<std::string>> CrashingFiles::list(const std::string& path) { return system_files().list(path); }

void CrashingFiles::put_back(const std::string& folder) {
  const Folder& wanted = durable_[folder];
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto found = wanted.find(entry.path().filename().string());
    const bool same = found != wanted.end() && found->second.folder == entry.is_directory() &&
                      (entry.is_directory() || found->second.inode == look(entry.path().string()).st_ino);
    if (!same) fs::remove_all(entry.path());
  }
  for (const auto& [name, entry] : wanted) {
    const std::string path = folder + "/" + name;
    if (entry.folder) {
      fs::create_directory(path);
      put_back(path);
    } else if (look(path).st_ino == 0) {
      STREAM_CHECK(::link(shadow_of(entry.inode).c_str(), path.c_str()) == 0);
    }
  }
}

void CrashingFiles::tear(const std::string& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) continue;
    const auto synced = synced_.find(look(entry.path().string()).st_ino);
    const std::uint64_t durable = synced == synced_.end() ? 0 : synced->second;
    if (entry.file_size() > durable) fs::resize_file(entry.path(), durable + (entry.file_size() - durable) / 2);
  }
}

void CrashingFiles::crash(Names names) {
  if (names == Names::kLost) put_back(root_);
  tear(root_);
}

}  // namespace stream
