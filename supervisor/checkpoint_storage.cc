#include "supervisor/checkpoint_storage.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "snapshot/digest.h"
#include "snapshot/fetch.h"
#include "storage/retry.h"
#include "storage/transfer.h"
#include "transport/base/in_parallel.h"

namespace stream {
namespace {

constexpr std::string_view kPublishedName = "published.json";
constexpr std::size_t kFilesAtOnce = 4;

std::string random_writer() {
  std::random_device device;
  std::string out;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 0; i < 32; ++i) out += kDigits[device() % 16];
  return out;
}

std::string name_of(Epoch epoch) { return std::to_string(epoch.value()); }

std::string index_name(Epoch epoch) { return name_of(epoch) + "/checkpoint.sqlite"; }

}  // namespace

std::string storage_of_job(const std::string& url, const std::string& job, std::string_view below) {
  const std::size_t options = std::min(url.find('?'), url.size());
  std::string folder = url.substr(0, options);
  while (folder.ends_with('/')) folder.pop_back();
  folder += "/" + job;
  if (!below.empty()) folder.append("/").append(below);
  return folder + url.substr(options);
}

CheckpointStorage::CheckpointStorage(JobPaths paths, StoragePlace place, std::unique_ptr<ObjectStore> store,
                                     std::string writer)
    : paths_(std::move(paths)),
      place_(std::move(place)),
      store_(std::move(store)),
      published_(*store_, place_.key(kPublishedName), std::move(writer)) {}

Result<std::unique_ptr<CheckpointStorage>> CheckpointStorage::open(const JobPaths& paths, const std::string& url) {
  STREAM_ASSIGN(StoragePlace place, parse_storage(storage_of_job(url, paths.job)));
  STREAM_ASSIGN(auto store, open_storage(place));
  return std::make_unique<CheckpointStorage>(paths, std::move(place), std::move(store), random_writer());
}

Status CheckpointStorage::claim(const std::string& owner) {
  const std::string mine = owner + "\n";
  const std::string at = place_.prefix + ".owner";
  const auto made = store_->put(at, mine, {.if_absent = true});
  if (made.ok() && *made) return {};
  const auto found = store_->get(at, 0, 4096);
  if (!found.ok()) return made.ok() ? found.status() : made.status();
  if (found->bytes == mine) return {};
  const std::string whose = found->bytes.substr(0, found->bytes.find('\n'));
  const std::string there = "unable to keep checkpoints in '" + place_.text() + "': they are those of ";
  if (whose.starts_with("--ha ")) {
    return failed(there + "a job that several supervisors stand ready for; run it with " + whose +
                  ", or give this one another name or path");
  }
  return failed(there + "the job in " + whose + "; give this one another name or path, or remove the object 's3://" +
                place_.bucket + "/" + at + "' if that one is gone for good");
}

Status CheckpointStorage::take(const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  STREAM_TRY(claim(owner));
  STREAM_TRY(published_.take_over());
  // Nobody of before may add to them any more.
  return abort_uploads(*store_, key("") + "/");
}

// Its index first: what it names is found in there.
Status CheckpointStorage::fetch_epoch(const PublishedCheckpoint& one, bool newest) {
  const Epoch epoch(one.epoch);
  const FileRef index{index_name(epoch), one.size, one.sha256, false};
  STREAM_TRY(system_files().make_dir(checkpoint_folder(paths_.checkpoints(), epoch)));
  STREAM_TRY(fetch_file(index, true));
  const auto loaded = load_index(index_path(paths_.checkpoints(), epoch));
  if (!loaded.ok()) return is_damage(loaded.status()) ? Status() : loaded.status();
  const auto files = files_of(*loaded);
  return in_parallel(files.size(), kFilesAtOnce, [&](std::size_t i) { return fetch_file(files[i], newest); });
}

// Whoever looks for what is damaged there says that it is missing.
Status CheckpointStorage::fetch_file(const FileRef& file, bool check_content) {
  const Status got = bring(file, check_content);
  return is_damage(got) ? Status() : got;
}

Status CheckpointStorage::bring(const FileRef& file, bool check_content) {
  const auto download = [this](const std::string& name, std::uint64_t size, const std::string& path) {
    return download_file(*store_, key(name), size, path, place_.part_bytes);
  };
  return make_present(system_files(), file, paths_.checkpoints(), check_content, download, url_of(key("")));
}

Status CheckpointStorage::mirror(const CheckpointIndex& index) {
  const auto files = files_of(index);
  return in_parallel(files.size(), kFilesAtOnce, [&](std::size_t i) { return bring(files[i], false); });
}

Status CheckpointStorage::lend(const CheckpointIndex& index, const std::string& folder) {
  const auto files = files_of(index);
  return in_parallel(files.size(), kFilesAtOnce, [&](std::size_t i) {
    const std::string name = std::string(kLent) + "/" + files[i].path;
    return upload_file(*store_, folder + "/" + files[i].path, key(name), place_.part_bytes);
  });
}

Status CheckpointStorage::forget_unpublished() {
  Files& files = system_files();
  STREAM_ASSIGN(const auto epochs, list_checkpoints(files, paths_.checkpoints()));
  for (const Epoch epoch : epochs) {
    if (!published_.has(epoch.value())) STREAM_TRY(files.remove(index_path(paths_.checkpoints(), epoch)));
  }
  return {};
}

Status CheckpointStorage::fetch() {
  const std::scoped_lock lock(mutex_);
  STREAM_TRY(published_.settle());
  STREAM_TRY(forget_unpublished());
  const auto& all = published_.checkpoints();
  for (auto one = all.rbegin(); one != all.rend(); ++one) STREAM_TRY(fetch_epoch(*one, one == all.rbegin()));
  return {};
}

// Of what has conditions: trying again changes nothing that was done before.
Status CheckpointStorage::again(const std::function<Status()>& work) const {
  const Clock& clock = system_clock();
  const Microseconds began = clock.monotonic_us();
  Backoff backoff({.patience = place_.patience}, static_cast<std::uint64_t>(began));
  for (;;) {
    Status done = work();
    if (done.code() != Code::kSystem) return done;
    const auto wait = backoff.next(clock.monotonic_us() - began);
    if (!wait) return done;
    std::this_thread::sleep_for(std::chrono::microseconds(*wait));
  }
}

// Whoever has been deposed may be about to write the index of a checkpoint of the same number: it takes the place of
// nothing, and only what it has left is replaced.
Status CheckpointStorage::put_index(Epoch epoch, const std::string& path) {
  const std::string name = key(index_name(epoch));
  STREAM_ASSIGN(const std::string bytes, system_files().read_file(path));
  STREAM_ASSIGN(const auto put, store_->put(name, bytes, {.if_absent = true}));
  if (put) return {};
  STREAM_ASSIGN(const ObjectBytes there, store_->get(name, 0, bytes.size() + 1));
  if (there.bytes == bytes) return {};
  STREAM_TRY(published_.settle());
  STREAM_ASSIGN(const auto replaced, store_->put(name, bytes, {.if_etag = there.etag}));
  return replaced ? Status() : Status(Code::kSystem, "somebody else writes '" + url_of(name) + "' at the same time");
}

Status CheckpointStorage::publish(Epoch epoch) {
  const std::scoped_lock lock(mutex_);
  const std::string path = index_path(paths_.checkpoints(), epoch);
  STREAM_ASSIGN(FileDigest digest, digest_file(path));
  STREAM_TRY(again([&] { return put_index(epoch, path); }));
  const PublishedCheckpoint one{epoch.value(), digest.size_bytes, std::move(digest.sha256)};
  return again([&] { return published_.add(one); });
}

Status CheckpointStorage::settle() {
  const std::scoped_lock lock(mutex_);
  STREAM_TRY(published_.settle());
  return forget_unpublished();
}

Result<std::optional<Epoch>> CheckpointStorage::newest_of(const std::vector<Epoch>& epochs) {
  const std::scoped_lock lock(mutex_);
  STREAM_TRY(published_.settle());
  std::optional<Epoch> newest;
  for (const Epoch epoch : epochs) {
    if (published_.has(epoch.value()) && (!newest || *newest < epoch)) newest = epoch;
  }
  return newest;
}

Status CheckpointStorage::retire(const RetentionPlan& plan) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> dropped;
  for (const Epoch epoch : plan.drop) dropped.push_back(epoch.value());
  if (!dropped.empty()) STREAM_TRY(published_.remove(dropped));
  std::vector<std::string> names = plan.files;
  for (const Epoch epoch : plan.drop) names.push_back(index_name(epoch));
  return in_parallel(names.size(), kFilesAtOnce, [&](std::size_t i) { return store_->remove(key(names[i])); });
}

Status CheckpointStorage::refuse(Epoch epoch) {
  const std::scoped_lock lock(mutex_);
  return published_.remove({epoch.value()});
}

Status CheckpointStorage::refuse_newer(Epoch epoch) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> newer;
  for (const auto& one : published_.checkpoints()) {
    if (one.epoch > epoch.value()) newer.push_back(one.epoch);
  }
  return newer.empty() ? Status() : published_.remove(newer);
}

Status CheckpointStorage::clear() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> all;
  for (const auto& one : published_.checkpoints()) all.push_back(one.epoch);
  STREAM_TRY(published_.remove(all));
  STREAM_ASSIGN(const auto keys, unnamed({}));
  return remove(keys);
}

Status CheckpointStorage::leave() {
  STREAM_TRY(clear());
  STREAM_TRY(store_->remove(key(kPublishedName)));
  return store_->remove(place_.prefix + ".owner");
}

// Keys that nothing published names. Of what has just been begun nothing is published yet.
Result<std::vector<std::string>> CheckpointStorage::unnamed(const std::vector<PublishedCheckpoint>& checkpoints) {
  std::set<std::string> named = {key(kPublishedName)};
  for (const PublishedCheckpoint& one : checkpoints) {
    const Epoch epoch(one.epoch);
    named.insert(key(index_name(epoch)));
    const auto index = load_index(index_path(paths_.checkpoints(), epoch));
    if (!index.ok()) return std::vector<std::string>();  // what it names is not known, and nothing is missed
    for (const FileRef& file : files_of(*index)) named.insert(key(file.path));
  }
  STREAM_ASSIGN(const auto there, store_->list(key("") + "/"));
  std::vector<std::string> keys;
  for (const ObjectFacts& object : there) {
    if (!named.contains(object.key)) keys.push_back(object.key);
  }
  return keys;
}

Result<std::vector<std::string>> CheckpointStorage::garbage() {
  STREAM_ASSIGN(const PublishedList list, read_published(*store_, key(kPublishedName)));
  return unnamed(list.checkpoints);
}

Status CheckpointStorage::remove(const std::vector<std::string>& keys) {
  return in_parallel(keys.size(), kFilesAtOnce, [&](std::size_t i) { return store_->remove(keys[i]); });
}

}  // namespace stream
