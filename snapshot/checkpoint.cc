#include "snapshot/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "snapshot/digest.h"
#include "snapshot/format_version.h"
#include "snapshot/index_file.h"
#include "snapshot/savepoint_file.h"

namespace stream {
namespace {

constexpr std::string_view kIndexName = "checkpoint.sqlite";
constexpr std::string_view kRefusedName = "checkpoint.sqlite.refused";

// Everything named must be there: what is missing now would be found missing by a restore.
Status check_sizes(const CheckpointIndex& index, const std::string& folder) {
  for (const FileRef& file : files_of(index)) {
    const std::string path = folder + "/" + file.path;
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return system_error("find", path, errno);
    if (static_cast<std::uint64_t>(info.st_size) != file.size_bytes) {
      return corrupt("'" + path + "' has " + std::to_string(info.st_size) + " bytes, not " +
                     std::to_string(file.size_bytes));
    }
  }
  return {};
}

Status verify_file(const FileRef& file, const std::string& path) {
  const bool part = !split_part(path).name.empty();
  Result<FileDigest> digest = part ? digest_part(path) : digest_file(path);
  if (digest.status().code() == Code::kNotFound) return corrupt("'" + path + "' is missing");
  if (!digest.ok()) return std::move(digest).status();
  if (digest->size_bytes != file.size_bytes) {
    return corrupt("'" + path + "' has " + std::to_string(digest->size_bytes) + " bytes, not " +
                   std::to_string(file.size_bytes));
  }
  if (digest->sha256 != file.sha256) return corrupt("'" + path + "' does not match its SHA-256");
  return {};
}

}  // namespace

std::string checkpoint_folder(const std::string& checkpoints, Epoch epoch) {
  return checkpoints + "/" + std::to_string(epoch.value());
}

std::string index_path(const std::string& checkpoints, Epoch epoch) {
  return checkpoint_folder(checkpoints, epoch) + "/" + std::string(kIndexName);
}

std::vector<FileRef> files_of(const CheckpointIndex& index) {
  std::vector<FileRef> files;
  for (const IndexInstance& instance : index.instances) {
    files.insert(files.end(), instance.files.begin(), instance.files.end());
  }
  std::ranges::sort(files, {}, &FileRef::path);
  const auto same_file = [](const FileRef& a, const FileRef& b) { return a.path == b.path; };
  files.erase(std::unique(files.begin(), files.end(), same_file), files.end());
  return files;
}

RestoreSource restore_source(const CheckpointIndex& index, const std::string& stage, const std::string& folder,
                             bool extend) {
  RestoreSource source{folder, index.epoch, 1, {}, extend};
  for (const IndexStage& one : index.stages) {
    if (one.name == stage) source.parallelism = one.parallelism;
  }
  for (const IndexInstance& instance : index.instances) {
    if (instance.stage == stage) source.instances.push_back({instance.instance, instance.files});
  }
  return source;
}

RestoreSource needed_by(RestoreSource source, std::uint32_t instance, std::uint32_t parallelism) {
  if (!source.same_layout(parallelism)) return source;
  std::ranges::sort(source.instances, {}, &InstanceFiles::instance);
  const auto first =
      std::ranges::find_if(source.instances, [](const InstanceFiles& one) { return !one.files.empty(); });
  const std::uint32_t copied = first == source.instances.end() ? instance : first->instance;
  std::erase_if(source.instances,
                [&](const InstanceFiles& one) { return one.instance != instance && one.instance != copied; });
  return source;
}

Status publish_checkpoint(Files& files, const std::string& checkpoints, const CheckpointIndex& index) {
  const std::string folder = checkpoint_folder(checkpoints, index.epoch);
  const std::string target = index_path(checkpoints, index.epoch);
  const std::string partial = target + ".partial";
  STREAM_TRY(files.make_dir(folder));
  STREAM_TRY(check_sizes(index, checkpoints));
  {
    STREAM_ASSIGN(const auto db, Database::create(partial, false));
    STREAM_TRY(write_index(*db, index));
    STREAM_TRY(db->finish());
  }
  STREAM_TRY(files.sync_file(partial));
  STREAM_TRY(files.sync_dir(folder));
  STREAM_TRY(files.sync_dir(checkpoints));
  STREAM_TRY(files.rename(partial, target));
  return files.sync_dir(folder);
}

Result<CheckpointIndex> load_index(const std::string& path) {
  STREAM_ASSIGN(const auto db, open_versioned(path, FormatPart::kIndex));
  return read_index(*db);
}

Status verify_files(const CheckpointIndex& index, const std::string& folder, VerifiedFiles* seen) {
  for (const FileRef& file : files_of(index)) {
    const std::string path = folder + "/" + file.path;
    if (seen != nullptr) {
      const auto known = seen->find(path);
      if (known != seen->end() && known->second == file.sha256) continue;
    }
    STREAM_TRY(verify_file(file, path));
    if (seen != nullptr) (*seen)[path] = file.sha256;
  }
  return {};
}

Result<CheckpointIndex> load_checkpoint(const std::string& checkpoints, Epoch epoch, VerifiedFiles* seen) {
  STREAM_ASSIGN(CheckpointIndex index, load_index(index_path(checkpoints, epoch)));
  if (index.epoch != epoch) return corrupt("'" + index_path(checkpoints, epoch) + "' is of another checkpoint");
  STREAM_TRY(verify_files(index, checkpoints, seen));
  return index;
}

namespace {

// Epochs whose folder holds a file of this name, ascending.
Result<std::vector<Epoch>> epochs_with(Files& files, const std::string& checkpoints, std::string_view wanted) {
  std::vector<Epoch> epochs;
  Result<std::vector<std::string>> names = files.list(checkpoints);
  if (names.status().code() == Code::kNotFound) return epochs;
  if (!names.ok()) return std::move(names).status();
  for (const std::string& name : *names) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || std::to_string(number) != name) continue;
    STREAM_ASSIGN(const auto inside, files.list(checkpoints + "/" + name));
    if (std::ranges::find(inside, wanted) != inside.end()) epochs.push_back(Epoch(number));
  }
  std::ranges::sort(epochs);
  return epochs;
}

Result<CheckpointIndex> load_unless_refused(const std::string& checkpoints, Epoch epoch, bool refused,
                                            VerifiedFiles& seen) {
  if (refused) return corrupt("a stage could not start from it");
  return load_checkpoint(checkpoints, epoch, &seen);
}

}  // namespace

Result<std::vector<Epoch>> list_checkpoints(Files& files, const std::string& checkpoints) {
  return epochs_with(files, checkpoints, kIndexName);
}

Status refuse_checkpoint(Files& files, const std::string& checkpoints, Epoch epoch) {
  const std::string folder = checkpoint_folder(checkpoints, epoch);
  const Status renamed = files.rename(index_path(checkpoints, epoch), folder + "/" + std::string(kRefusedName));
  if (renamed.code() == Code::kNotFound) return {};
  STREAM_TRY(renamed);
  return files.sync_dir(folder);
}

Result<NewestGood> find_newest_good(Files& files, const std::string& checkpoints) {
  STREAM_ASSIGN(std::vector<Epoch> epochs, list_checkpoints(files, checkpoints));
  STREAM_ASSIGN(const std::vector<Epoch> refused, epochs_with(files, checkpoints, kRefusedName));
  epochs.insert(epochs.end(), refused.begin(), refused.end());
  std::ranges::sort(epochs);
  NewestGood found;
  VerifiedFiles seen;
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    Result<CheckpointIndex> index =
        load_unless_refused(checkpoints, *epoch, std::ranges::find(refused, *epoch) != refused.end(), seen);
    if (index.ok()) {
      found.index = *std::move(index);
      return found;
    }
    if (!is_damage(index.status())) return std::move(index).status();
    found.damaged.push_back({*epoch, index.status().what()});
  }
  return found;
}

}  // namespace stream
