#include "supervisor/checkpoint_place.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <vector>

namespace stream {
namespace {

namespace fs = std::filesystem;

// "" if it is no link.
std::string target_of(const std::string& link) {
  std::error_code none;
  const fs::path target = fs::read_symlink(link, none);
  return none ? "" : target.string();
}

std::string owner_file(const std::string& target) { return target + ".owner"; }

std::string this_owner(const JobPaths& paths) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::string(host.data()) + " " + paths.folder + "\n";
}

Status take_place(Files& files, const JobPaths& paths, const std::string& path, const std::string& target) {
  // Made here it would hide that the file system is not mounted.
  if (!fs::is_directory(path)) {
    return failed("unable to keep checkpoints in '" + path +
                  "': there is no such folder; make it, or mount what has it");
  }
  const std::string mine = this_owner(paths);
  const auto owner = files.read_file(owner_file(target));
  if (!owner.ok() && owner.status().code() != Code::kNotFound) return owner.status();
  if (owner.ok() && *owner != mine) {
    return failed("unable to keep checkpoints in '" + target + "': they are those of the job in " +
                  owner->substr(0, owner->find('\n')) + "; give this one another name or path, or remove '" +
                  owner_file(target) + "' if that one is gone for good");
  }
  if (!owner.ok()) STREAM_TRY(files.write_file(owner_file(target), mine));
  STREAM_TRY(files.make_dir(target));
  return files.sync_dir(path);
}

Result<bool> has_any(Files& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Result<bool>(false) : names.status();
  return !names->empty();
}

// What is there now gives way.
Status leave(Files& files, const JobPaths& paths, const std::string& target, const std::string& wanted, bool keep) {
  STREAM_ASSIGN(const bool any, has_any(files, paths.checkpoints()));
  if (any && keep) {
    const std::string here = target.empty() ? paths.checkpoints() : target;
    return failed("the checkpoints of '" + paths.job + "' are in '" + here + "', not in '" + wanted +
                  "'; change 'checkpoint.path' back, go on from a savepoint, or start anew with --fresh");
  }
  STREAM_TRY(remove_checkpoints(files, paths));
  if (!target.empty()) STREAM_TRY(files.remove(owner_file(target)));
  return files.remove(paths.checkpoints());
}

Status remove_folders(Files& files, const std::string& root) {
  const auto folders = files.list(root);
  if (!folders.ok()) return folders.status().code() == Code::kNotFound ? Status() : folders.status();
  for (const std::string& folder : *folders) {
    const std::string path = root + "/" + folder;
    STREAM_ASSIGN(const auto names, files.list(path));
    for (const std::string& name : names) STREAM_TRY(files.remove(path + "/" + name));
    STREAM_TRY(files.remove(path));
  }
  return files.sync_dir(root);
}

}  // namespace

Status place_checkpoints(Files& files, const JobPaths& paths, const std::string& path, bool keep) {
  const std::string link = paths.checkpoints();
  const std::string target = target_of(link);
  const std::string wanted = path.empty() ? "" : path + "/" + paths.job;
  std::error_code none;
  const bool there = fs::exists(fs::symlink_status(link, none));
  if (there && target != wanted) STREAM_TRY(leave(files, paths, target, wanted.empty() ? link : wanted, keep));
  if (!wanted.empty()) STREAM_TRY(take_place(files, paths, path, wanted));
  if (wanted.empty()) return files.make_dir(link);
  if (there && target == wanted) return {};
  if (::symlink(wanted.c_str(), link.c_str()) != 0) return system_error("make", link, errno);
  return files.sync_dir(paths.folder);
}

Status remove_checkpoints(Files& files, const JobPaths& paths) {
  STREAM_TRY(remove_folders(files, paths.local()));
  return remove_folders(files, paths.checkpoints());
}

Status forget_local_copies(Files& files, const JobPaths& paths) {
  const auto epochs = files.list(paths.local());
  if (!epochs.ok()) return epochs.status().code() == Code::kNotFound ? Status() : epochs.status();
  for (const std::string& epoch : *epochs) {
    const auto kept = files.list(paths.checkpoints() + "/" + epoch);
    if (!kept.ok() && kept.status().code() != Code::kNotFound) return kept.status();
    const std::string folder = paths.local() + "/" + epoch;
    STREAM_ASSIGN(const auto names, files.list(folder));
    for (const std::string& name : names) {
      if (!kept.ok() || !std::ranges::binary_search(*kept, name)) STREAM_TRY(files.remove(folder + "/" + name));
    }
    if (!kept.ok()) STREAM_TRY(files.remove(folder));
  }
  return {};
}

void remove_job(const JobPaths& paths) {
  const std::string target = target_of(paths.checkpoints());
  std::error_code ignored;
  if (!target.empty()) {
    fs::remove_all(target, ignored);
    fs::remove(owner_file(target), ignored);
  }
  fs::remove_all(paths.folder, ignored);
  fs::remove_all(paths.sockets(), ignored);
}

}  // namespace stream
