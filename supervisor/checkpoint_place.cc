#include "supervisor/checkpoint_place.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <optional>
#include <vector>

#include "transport/base/text.h"

namespace stream {
namespace {

namespace fs = std::filesystem;

// "" if it is no link.
std::string target_of(const std::string& link) {
  std::error_code none;
  const fs::path target = fs::read_symlink(link, none);
  return none ? "" : target.string();
}

// Says where the checkpoints are that are in storage: the URL, then who they belong to.
std::string marker_of(const JobPaths& paths) { return paths.folder + "/checkpoints.storage"; }

struct StorageMark {
  std::string url;
  std::string owner;
};

std::optional<StorageMark> storage_mark(const JobPaths& paths) {
  const auto text = system_files().read_file(marker_of(paths));
  if (!text.ok()) return std::nullopt;
  const std::vector<std::string> lines = split(*text, '\n');
  return StorageMark{lines[0], lines.size() > 1 ? lines[1] : ""};
}

// Of a place, what does not change with the way to it.
std::string plain(const std::string& place) { return is_object_url(place) ? place.substr(0, place.find('?')) : place; }

// Where the checkpoints are now, if it is not the job's own folder.
std::string place_now(const JobPaths& paths) {
  const auto mark = storage_mark(paths);
  return mark ? storage_of_job(mark->url, paths.job) : target_of(paths.checkpoints());
}

std::string owner_file(const std::string& target) { return target + ".owner"; }

std::string this_owner(const JobPaths& paths) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::string(host.data()) + " " + paths.folder;
}

std::string not_there(const std::string& path) {
  return "unable to keep checkpoints in '" + path + "': there is no such folder; make it, or mount what has it";
}

Status take_place(Files& files, const JobPaths& paths, const std::string& path, const std::string& target,
                  const std::string& shared_owner) {
  // Made here it would hide that the file system is not mounted.
  if (!fs::is_directory(path)) return failed(not_there(path));
  const std::string mine = place_owner(paths, shared_owner) + "\n";
  const auto owner = files.read_file(owner_file(target));
  if (!owner.ok() && owner.status().code() != Code::kNotFound) return owner.status();
  if (owner.ok() && *owner != mine) {
    const std::string whose = owner->substr(0, owner->find('\n'));
    const std::string there = "unable to keep checkpoints in '" + target + "': they are those of ";
    if (whose.starts_with("--ha ")) {
      return failed(there + "a job that several supervisors stand ready for; run it with " + whose +
                    ", or give this one another name or path");
    }
    return failed(there + "the job in " + whose + "; give this one another name or path, or remove '" +
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

Status leave_storage(const JobPaths& paths, const StorageMark& mark) {
  STREAM_ASSIGN(const auto storage, CheckpointStorage::open(paths, mark.url));
  STREAM_TRY(storage->take(mark.owner));
  return storage->leave();
}

// A folder of the job's own, and a note that what is in it is a copy.
Status place_in_storage(Files& files, const JobPaths& paths, const std::string& url, const std::string& owner) {
  STREAM_TRY(files.make_dir(paths.checkpoints()));
  const std::string marker = marker_of(paths);
  STREAM_TRY(files.write_file(marker + ".partial", url + "\n" + owner + "\n"));
  STREAM_TRY(files.sync_file(marker + ".partial"));
  STREAM_TRY(files.rename(marker + ".partial", marker));
  return files.sync_dir(paths.folder);
}

// What is there now gives way.
Status leave(Files& files, const JobPaths& paths, const std::string& target, const std::string& wanted, bool keep) {
  STREAM_ASSIGN(const bool any, has_any(files, paths.checkpoints()));
  if (any && keep) {
    const std::string here = target.empty() ? paths.checkpoints() : plain(target);
    return failed("the checkpoints of '" + paths.job + "' are in '" + here + "', not in '" + plain(wanted) +
                  "'; change 'checkpoint.path' back, go on from a savepoint, or start anew with --fresh");
  }
  STREAM_TRY(remove_checkpoints(files, paths));
  if (const auto mark = storage_mark(paths)) {
    STREAM_TRY(leave_storage(paths, *mark));
    STREAM_TRY(files.remove(marker_of(paths)));
  } else if (!target.empty()) {
    STREAM_TRY(files.remove(owner_file(target)));
  }
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

Status share(Files& files, const std::string& link, const std::string& target) {
  STREAM_TRY(files.make_dir(target));
  if (target_of(link) == target) return {};
  STREAM_ASSIGN(const bool any, has_any(files, link));
  if (any && target_of(link).empty()) {
    return failed("'" + link + "' is not empty, and only this host has it; move what is in it to '" + target + "'");
  }
  std::error_code none;
  fs::remove(link, none);
  if (::symlink(target.c_str(), link.c_str()) != 0) return system_error("make", link, errno);
  return {};
}

}  // namespace

Status place_checkpoints(Files& files, const JobPaths& paths, const std::string& path, bool keep,
                         const std::string& owner) {
  const std::string link = paths.checkpoints();
  const std::string target = place_now(paths);
  const bool stored = is_object_url(path);
  const std::string wanted = path.empty() ? "" : stored ? storage_of_job(path, paths.job) : path + "/" + paths.job;
  std::error_code none;
  const bool there = fs::exists(fs::symlink_status(link, none));
  const bool same = plain(target) == plain(wanted);
  if (there && !same) STREAM_TRY(leave(files, paths, target, wanted.empty() ? link : wanted, keep));
  if (stored) return place_in_storage(files, paths, path, place_owner(paths, owner));
  if (!wanted.empty()) STREAM_TRY(take_place(files, paths, path, wanted, owner));
  if (wanted.empty()) return files.make_dir(link);
  if (there && same) return {};
  if (::symlink(wanted.c_str(), link.c_str()) != 0) return system_error("make", link, errno);
  return files.sync_dir(paths.folder);
}

Status check_placed(Files& files, const std::string& path, const std::string& job, bool any) {
  if (path.empty() || is_object_url(path)) return {};
  if (!fs::is_directory(path)) return {Code::kNotFound, not_there(path)};
  if (!any) return {};
  const Status owned = files.size(owner_file(path + "/" + job)).status();
  if (owned.code() != Code::kNotFound) return owned;
  return {Code::kNotFound,
          "what is in '" + path + "' has no checkpoints of '" + job + "' any more; mount what has them"};
}

std::string place_owner(const JobPaths& paths, const std::string& shared) {
  return shared.empty() ? this_owner(paths) : shared;
}

std::string shared_dead_letter(const std::string& path, const std::string& job) {
  return path + "/" + job + ".dead-letter";
}

std::string shared_savepoints(const std::string& path, const std::string& job) {
  return path + "/" + job + ".savepoints";
}

Status share_folders(Files& files, const JobPaths& paths, const std::string& path) {
  STREAM_TRY(share(files, paths.dead_letter(), shared_dead_letter(path, paths.job)));
  STREAM_TRY(share(files, paths.savepoints(), shared_savepoints(path, paths.job)));
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

Result<std::unique_ptr<CheckpointStorage>> storage_of(const JobPaths& paths) {
  const auto mark = storage_mark(paths);
  if (!mark) return std::unique_ptr<CheckpointStorage>();
  return CheckpointStorage::open(paths, mark->url);
}

std::string shared_place(const JobPaths& paths) {
  if (const auto mark = storage_mark(paths)) return mark->owner.starts_with("--ha ") ? mark->owner : "";
  const std::string target = target_of(paths.checkpoints());
  if (target.empty()) return {};
  const auto owner = system_files().read_file(owner_file(target));
  return owner.ok() && owner->starts_with("--ha ") ? owner->substr(0, owner->find('\n')) : "";
}

void remove_job(const JobPaths& paths) {
  const bool shared = !shared_place(paths).empty();
  const std::string target = shared ? "" : target_of(paths.checkpoints());
  std::error_code ignored;
  for (const std::string& link : {paths.dead_letter(), paths.savepoints()}) {
    if (const std::string far = target_of(link); !far.empty() && !shared) fs::remove_all(far, ignored);
  }
  if (const auto mark = storage_mark(paths); mark && !shared) (void)leave_storage(paths, *mark);
  if (!target.empty()) {
    fs::remove_all(target, ignored);
    fs::remove(owner_file(target), ignored);
  }
  fs::remove_all(paths.folder, ignored);
  fs::remove_all(paths.sockets(), ignored);
}

}  // namespace stream
