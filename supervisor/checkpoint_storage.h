// Checkpoints in object storage (`checkpoint.path` is an s3:// URL).
//
//   PATH/JOB/12/totals.0.a1.sqlite   uploaded by the instance that wrote it, before it reports its snapshot
//   PATH/JOB/12/checkpoint.sqlite    the index, uploaded before the checkpoint is published
//   PATH/JOB/from/…              files of the savepoint that instances on other hosts begin with
//   PATH/JOB/published.json          which checkpoints count: the commit point, see storage/published.h
//   PATH/JOB.owner                   the host and folder of the job they belong to
//
// JOB/checkpoints is a folder of this host as it is without storage: a copy of what is published, by which everything
// else goes. What begins makes it one: downloads what is missing or other than it should be, forgets what does not
// count.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/checkpoint.h"
#include "snapshot/retention.h"
#include "storage/open.h"
#include "storage/published.h"
#include "supervisor/job_paths.h"

namespace stream {

// Any thread.
class CheckpointStorage {
 public:
  // `url`: `checkpoint.path`. Speaks to nobody yet.
  static Result<std::unique_ptr<CheckpointStorage>> open(const JobPaths& paths, const std::string& url);
  // The same over any store; tests fail it.
  CheckpointStorage(JobPaths paths, StoragePlace place, std::unique_ptr<ObjectStore> store, std::string writer);

  // Takes the place for `owner`, one line, and becomes the only one that publishes there. Errors: kFailed if it is
  // another's.
  Status take(const std::string& owner);
  // Makes JOB/checkpoints what is published. What cannot be had is missing there, as a damaged file would be.
  Status fetch();
  // Brings what instances on other hosts have written for a checkpoint that is about to be published.
  Status mirror(const CheckpointIndex& index);
  // Puts the files of a savepoint in `folder` where such instances find them, see kLent; the next that begins clears
  // them away.
  Status lend(const CheckpointIndex& index, const std::string& folder);
  // Of a checkpoint whose index is in JOB/checkpoints. Errors: kInterrupted: another supervisor has taken over;
  // kSystem: it does not count yet, and whether it will is found out with the next call of anything.
  Status publish(Epoch epoch);
  // Before and after what `plan` says is done in JOB/checkpoints. Indexes that have turned out not to count are removed
  // there by the first.
  Status settle();
  // Which of these counts, the newest; nothing: none does. Errors: those of publish().
  Result<std::optional<Epoch>> newest_of(const std::vector<Epoch>& epochs);
  Status retire(const RetentionPlan& plan);
  // Takes a checkpoint out of use for good.
  Status refuse(Epoch epoch);
  Status refuse_newer(Epoch epoch);
  // Everything of the job that is there; the place stays taken.
  Status clear();
  // … and goes itself.
  Status leave();
  // Keys of objects that no published checkpoint names. Only while the job does not run, or before it does.
  Result<std::vector<std::string>> garbage();
  Status remove(const std::vector<std::string>& keys);
  std::string url_of(const std::string& key) const { return "s3://" + place_.bucket + "/" + key; }

 private:
  std::string key(std::string_view name) const { return place_.key(name); }
  Status claim(const std::string& owner);
  Status fetch_epoch(const PublishedCheckpoint& one, bool newest);
  Status fetch_file(const FileRef& file, bool check_content);
  Status bring(const FileRef& file, bool check_content);
  Status forget_unpublished();
  Status again(const std::function<Status()>& work) const;
  Status put_index(Epoch epoch, const std::string& path);
  Result<std::vector<std::string>> unnamed(const std::vector<PublishedCheckpoint>& checkpoints);

  const JobPaths paths_;
  const StoragePlace place_;  // of the job
  const std::unique_ptr<ObjectStore> store_;
  std::mutex mutex_;
  Published published_;  // guarded by mutex_
};

inline constexpr std::string_view kLent = "from";  // in PATH/JOB

// "s3://BUCKET/PREFIX/JOB?…": where instances put what they write. `below`: a place in there.
std::string storage_of_job(const std::string& url, const std::string& job, std::string_view below = {});

}  // namespace stream
