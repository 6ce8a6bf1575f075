// SnapshotWriter: turns the captures of one instance into durable snapshot files.
//
// Used from one writer thread at a time. A checkpoint of an instance is a list of files: a base
// and the increments on it. Files are built in the scratch folder, synced, and published under
// their final name CHECKPOINTS/EPOCH/STAGE.INSTANCE.aATTEMPT[.base].sqlite by rename (copied first
// when scratch is on another file system), the folder synced, mode 0444, never changed again.
//
// When the increments since the base are many or large, base and increments are merged into a new base in scratch, by
// whom and how slowly ever: write() goes on meanwhile. The next write() after that publishes it, so it belongs to a
// checkpoint in progress and counts only once an index names it. An instance restored from files it cannot build on
// (other parallelism, savepoint) merges its share of them into its own base first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/capture.h"
#include "snapshot/packed_file.h"
#include "snapshot/restore_source.h"
#include "snapshot/snapshot_file.h"
#include "transport/base/files.h"
#include "transport/base/steps.h"

namespace stream {

struct WriterOptions {
  SnapshotIdentity identity;  // epoch is set by each write
  std::string checkpoints;    // absolute; the job's checkpoints folder
  std::string local;          // absolute: a copy of what is published to another file system is left there; "" = none
  // Puts what has been published into storage as well, under its name below the checkpoints folder; none: there is
  // none.
  std::function<Status(const std::string& path, const std::string& name)> send = {};
  bool alone = false;     // `checkpoints` is this instance's, for what storage keeps: what it needs no more is deleted
  std::string scratch;    // absolute, local, only this process's; made if absent
  bool compress = false;  // zstd for segments
  std::size_t increments_max = 16;
  std::uint64_t compact_above_bytes = 1 << 20;  // what replaces less is merged by count only
  std::size_t piece_bytes = 32 << 20;           // of rows that are merged together, and twice as many sorted
};

// True for a file that merges others: the checkpoints after the one in whose folder it is may build
// on it even if that one was aborted.
bool is_merged_base(std::string_view path);

class SnapshotWriter {
 public:
  SnapshotWriter(Files& files, WriterOptions options);

  // What was given to StateStore::restore(), with the tables of the store; before the first write(). Captures with
  // since == source.epoch build on it, or on a base that is made of it if it was taken up otherwise than it was kept.
  void restored(const RestoreSource& source, std::vector<TableSpec> tables = {}, const RowLanguage* language = nullptr);

  // Makes the capture durable. The files the checkpoint needs of this instance, oldest first; the
  // new ones are in folder EPOCH. An empty capture writes nothing. Errors: kSystem (disk), kCorrupt
  // (a file merged into a base); report the checkpoint as failed and go on: the next capture
  // contains these changes.
  Result<InstanceFiles> write(Capture capture);

  // A merge: begun and taken up by the writer's thread, done by any, one at a time. Errors leave everything as it was.
  struct Merge {
    Epoch epoch;
    std::vector<FileRef> files;  // the first ones of every later checkpoint, until it is taken up
    std::string scratch_path;
  };
  std::optional<Merge> begin_merge();  // none: it would not be worth it
  Status merge(const Merge& merge, const RunStep& run = run_here) const;
  void merged(Merge merge);

 private:
  using Chain = std::vector<FileRef>;
  bool wants_merge() const;
  struct Compacted {
    std::vector<FileRef> replaced;  // a prefix of some chain
    std::string scratch_path;       // the merged file; "" once published
    FileRef file;                   // set once published
  };
  Result<Chain> chain_of(const Capture& capture);
  Result<Chain> own_base(Epoch epoch);
  Status use_compacted(Chain& chain, Epoch epoch);
  Status forget_files();
  using Fill = std::function<Status(PackedFileWriter&)>;
  // A whole file in scratch, or none.
  Status build(const std::string& path, const SnapshotIdentity& identity, PackOptions pack, const Fill& fill) const;
  Result<std::string> build_increment(const Capture& capture, bool base);
  Status build_merged(const std::string& path, const RestoreSource& source, const std::vector<TableSpec>& tables,
                      const RunStep& run) const;
  // As publish(); what cannot be published is deleted, for a full disk must not fill further.
  Result<FileRef> publish_or_discard(const std::string& scratch_path, Epoch epoch, bool base, bool merged);
  Result<FileRef> publish(const std::string& scratch_path, Epoch epoch, bool base, bool merged);
  Status keep_copy(const std::string& scratch_path, const std::string& name);
  Result<bool> same_mount(const std::string& folder) const;
  std::string scratch_path();
  SnapshotIdentity identity(Epoch epoch, bool base) const;

  Files& files_;
  WriterOptions options_;
  std::map<Epoch, Chain> chains_;
  std::map<std::string, std::uint64_t> outdating_;  // by path: about how much of the files before it a file replaces
  std::optional<RestoreSource> foreign_;            // restored from files that cannot be built on
  std::vector<TableSpec> foreign_tables_;           // which took them up
  const RowLanguage* language_ = nullptr;
  std::optional<Compacted> compacted_;
  std::uint64_t scratch_count_ = 0;
};

}  // namespace stream
