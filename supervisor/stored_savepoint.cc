#include "supervisor/stored_savepoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "snapshot/archive/open_savepoint.h"
#include "snapshot/checkpoint.h"
#include "snapshot/digest.h"
#include "storage/open.h"
#include "storage/published.h"
#include "storage/transfer.h"
#include "supervisor/job_paths.h"
#include "transport/base/in_parallel.h"
#include "transport/base/text.h"

namespace stream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSavepointIndex = "savepoint.sqlite";
constexpr std::string_view kCheckpointIndex = "checkpoint.sqlite";
constexpr std::size_t kFilesAtOnce = 4;

struct Storage {
  StoragePlace place;
  std::unique_ptr<ObjectStore> store;
};

Result<Storage> storage_at(const std::string& url) {
  Storage storage;
  STREAM_ASSIGN(storage.place, parse_storage(url));
  STREAM_ASSIGN(storage.store, open_storage(storage.place));
  return storage;
}

std::string name_of(const std::string& key) { return key.substr(key.rfind('/') + 1); }

Result<bool> is_there(const Storage& storage, const std::string& key) {
  const auto facts = storage.store->facts(key);
  if (facts.status().code() == Code::kNotFound) return false;
  if (!facts.ok()) return facts.status();
  return true;
}

constexpr std::chrono::hours kFetchedLeast{1};  // whoever fetched it has begun with it by then

std::string fetched_root() { return stream_home() + "/.fetched"; }

// Named by what is in it: other content is another folder.
std::string folder_for(const Storage& storage, const std::vector<ObjectFacts>& objects) {
  Sha256 sum;
  sum.add(storage.place.bucket);
  for (const ObjectFacts& one : objects) sum.add("\n" + one.key + "\n" + one.etag + "\n" + std::to_string(one.size));
  return fetched_root() + "/" + sum.finish().sha256.substr(0, 32);
}

// Objects as files below a folder, which is there as a whole or not at all. `begin`: of their keys, left out.
Result<std::string> fetch(const Storage& storage, const std::vector<ObjectFacts>& objects, const std::string& begin) {
  std::string folder = folder_for(storage, objects);
  std::error_code ignored;
  fs::last_write_time(folder, fs::file_time_type::clock::now(), ignored);  // see unused_fetched()
  if (!ignored) return folder;
  Files& files = system_files();
  const std::string partial = folder + ".partial";
  fs::remove_all(partial, ignored);
  STREAM_TRY(files.make_dir(partial));
  const auto fetch_one = [&](std::size_t i) -> Status {
    const std::string path = partial + "/" + objects[i].key.substr(begin.size());
    STREAM_TRY(files.make_dir(path.substr(0, path.rfind('/'))));
    STREAM_TRY(download_file(*storage.store, objects[i].key, objects[i].size, path, storage.place.part_bytes));
    STREAM_TRY(files.sync_file(path));
    ::chmod(path.c_str(), 0444);
    return {};
  };
  STREAM_TRY(in_parallel(objects.size(), kFilesAtOnce, fetch_one));
  STREAM_TRY(files.rename(partial, folder));
  return folder;
}

// A checkpoint builds on files of others of its job.
Result<std::string> fetch_checkpoint(const Storage& storage, const std::string& job, const std::string& epoch) {
  const std::string index = job + "/" + epoch + "/" + std::string(kCheckpointIndex);
  STREAM_ASSIGN(ObjectFacts facts, storage.store->facts(index));
  STREAM_ASSIGN(const std::string alone, fetch(storage, {facts}, job + "/"));
  STREAM_ASSIGN(const CheckpointIndex read, load_index(alone + "/" + epoch + "/" + std::string(kCheckpointIndex)));
  std::vector<ObjectFacts> objects = {facts};
  for (const FileRef& file : files_of(read)) objects.push_back({job + "/" + file.path, file.size_bytes, file.sha256});
  STREAM_ASSIGN(const std::string folder, fetch(storage, objects, job + "/"));
  STREAM_TRY(verify_files(read, folder));
  return folder + "/" + epoch;
}

Result<std::string> fetch_newest(const Storage& storage) {
  STREAM_ASSIGN(const PublishedList list, read_published(*storage.store, storage.place.key("published.json")));
  if (list.checkpoints.empty()) return usage_error("there is no checkpoint in '" + storage.place.text() + "' yet");
  return fetch_checkpoint(storage, storage.place.prefix, std::to_string(list.checkpoints.back().epoch));
}

Result<std::string> fetch_folder(const Storage& storage) {
  STREAM_ASSIGN(const auto objects, storage.store->list(storage.place.key("") + "/"));
  const std::string begin = storage.place.key("") + "/";
  std::vector<ObjectFacts> inside;
  std::ranges::copy_if(objects, std::back_inserter(inside), [&](const ObjectFacts& one) {
    return one.key.find('/', begin.size()) == std::string::npos && one.key != begin;
  });
  return fetch(storage, inside, begin);
}

Status check_free(const Storage& storage) {
  STREAM_ASSIGN(const bool file, is_there(storage, storage.place.prefix));
  STREAM_ASSIGN(const bool folder, is_there(storage, storage.place.key(kSavepointIndex)));
  return file || folder ? usage_error("'" + storage.place.text() + "' exists; give another place") : Status();
}

}  // namespace

Result<std::string> fetch_snapshot(const std::string& url) {
  STREAM_ASSIGN(const Storage storage, storage_at(url));
  const std::string& key = storage.place.prefix;
  const auto whole = storage.store->facts(key);
  if (whole.ok()) {
    STREAM_ASSIGN(const std::string folder, fetch(storage, {*whole}, key.substr(0, key.size() - name_of(key).size())));
    return folder + "/" + name_of(key);
  }
  if (whole.status().code() != Code::kNotFound) return whole.status();
  STREAM_ASSIGN(const bool savepoint, is_there(storage, storage.place.key(kSavepointIndex)));
  if (savepoint) return fetch_folder(storage);
  STREAM_ASSIGN(const bool checkpoint, is_there(storage, storage.place.key(kCheckpointIndex)));
  const std::size_t slash = key.rfind('/');
  if (checkpoint && slash != std::string::npos)
    return fetch_checkpoint(storage, key.substr(0, slash), key.substr(slash + 1));
  STREAM_ASSIGN(const bool job, is_there(storage, storage.place.key("published.json")));
  if (job) return fetch_newest(storage);
  return usage_error("there is no savepoint and no checkpoint at '" + storage.place.text() + "'");
}

std::vector<std::string> unused_fetched(const std::vector<std::string>& used) {
  std::vector<std::string> found;
  std::error_code none;
  const auto before = fs::file_time_type::clock::now() - kFetchedLeast;
  for (const auto& entry : fs::directory_iterator(fetched_root(), none)) {
    const std::string path = entry.path().string();
    if (entry.last_write_time(none) >= before || none) continue;
    const auto in_it = [&](const std::string& one) { return one.starts_with(path + "/") || one == path; };
    if (std::ranges::none_of(used, in_it)) found.push_back(path);
  }
  std::ranges::sort(found);
  return found;
}

Status check_free(const std::string& url) {
  STREAM_ASSIGN(const Storage storage, storage_at(url));
  return check_free(storage);
}

Status store_savepoint(const std::string& path, const std::string& url) {
  STREAM_ASSIGN(const Storage storage, storage_at(url));
  const StoragePlace& place = storage.place;
  std::error_code none;
  const bool folder = fs::is_directory(path, none);
  STREAM_TRY(check_free(storage));
  if (!folder) return upload_file(*storage.store, path, place.prefix, place.part_bytes);
  STREAM_ASSIGN(std::vector<std::string> names, system_files().list(path));
  std::erase(names, kSavepointIndex);
  STREAM_TRY(in_parallel(names.size(), kFilesAtOnce, [&](std::size_t i) {
    return upload_file(*storage.store, path + "/" + names[i], place.key(names[i]), place.part_bytes);
  }));
  const std::string index(kSavepointIndex);
  return upload_file(*storage.store, path + "/" + index, place.key(index), place.part_bytes);
}

Status remove_stored(const std::string& url) {
  STREAM_ASSIGN(const Storage storage, storage_at(url));
  const StoragePlace& place = storage.place;
  STREAM_TRY(storage.store->remove(place.key(kSavepointIndex)));
  STREAM_TRY(storage.store->remove(place.prefix));
  STREAM_ASSIGN(const auto objects, storage.store->list(place.prefix + "/"));
  for (const ObjectFacts& object : objects) STREAM_TRY(storage.store->remove(object.key));
  return {};
}

Status remove_wherever(const std::string& path) {
  if (is_object_url(path)) return remove_stored(path);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  return delete_any_savepoint(system_files(), path, unpacked_root()).status();
}

Status not_in_storage(const std::string& what, const std::string& url) {
  return usage_error("'" + url.substr(0, url.find('?')) + "' is in object storage, where " + what);
}

}  // namespace stream
