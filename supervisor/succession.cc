#include "supervisor/succession.h"

#include "snapshot/checkpoint.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/checkpoint_storage.h"
#include "supervisor/job_lock.h"
#include "supervisor/job_upgrade.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// Its index first: a folder without one is nothing, whatever the last leader still writes there.
Status remove_epoch(Files& files, const std::string& folder) {
  STREAM_TRY(files.remove(folder + "/checkpoint.sqlite"));
  const auto names = files.list(folder);
  if (!names.ok()) return names.status().code() == Code::kNotFound ? Status() : names.status();
  for (const std::string& name : *names) STREAM_TRY(files.remove(folder + "/" + name));
  (void)files.remove(folder);
  return {};
}

Status remove_newer(Files& files, const std::string& checkpoints, Epoch published) {
  STREAM_ASSIGN(const auto names, files.list(checkpoints));
  for (const std::string& name : names) {
    const auto epoch = parse_integer(name);
    if (epoch.ok() && *epoch > static_cast<std::int64_t>(published.value()))
      STREAM_TRY(remove_epoch(files, checkpoints + "/" + name));
  }
  return files.sync_dir(checkpoints);
}

// What the last leader had put into storage, less what it could not say any more.
Status take_from_storage(const JobPaths& paths, const std::string& path, const std::string& owner, Epoch published) {
  if (!is_object_url(path)) return {};
  STREAM_ASSIGN(const auto storage, CheckpointStorage::open(paths, path));
  STREAM_TRY(storage->take(place_owner(paths, owner)));
  STREAM_TRY(storage->refuse_newer(published));
  return storage->fetch();
}

}  // namespace

Result<JobRecord> succeed(Files& files, const JobPaths& paths, const Estate& estate, const std::string& owner) {
  STREAM_TRY(make_job_folders(paths));
  STREAM_ASSIGN(const JobLock lock, JobLock::take(paths));
  STREAM_ASSIGN(const auto store, JobStore::open(paths.store()));
  STREAM_TRY(store->adopt(estate.essentials, estate.reserved));
  STREAM_ASSIGN(auto record, store->load());
  if (!record) return corrupt("nothing is known of the job that has a leader");
  STREAM_ASSIGN(const JobPlan plan, plan_from_json(record->plan));
  // A run had been about to begin: nothing of it has been published.
  const Epoch published = estate.run == record->run ? estate.published : Epoch(0);
  const bool any = published != Epoch(0) && !estate.left;
  STREAM_TRY(check_placed(files, plan.pipeline.checkpoint.path, paths.job, any));
  STREAM_TRY(place_checkpoints(files, paths, plan.pipeline.checkpoint.path, true, owner));
  STREAM_TRY(take_from_storage(paths, plan.pipeline.checkpoint.path, owner, published));
  STREAM_TRY(remove_newer(files, paths.checkpoints(), published));
  if (published != Epoch(0)) {
    CheckpointRecord counts;
    counts.epoch = published.value();
    counts.status = "complete";
    counts.detail = "{}";
    STREAM_TRY(store->record_checkpoint(counts));
  }
  // The new version may have published its first checkpoint before its leader could say that it holds.
  STREAM_TRY(settle_upgrade(*store, paths));
  STREAM_ASSIGN(record, store->load());
  return *std::move(record);
}

}  // namespace stream
