#include "snapshot/snapshot_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "snapshot/digest.h"
#include "snapshot/fetch.h"
#include "snapshot/packed_file.h"
#include "snapshot/restore.h"

namespace stream {
namespace {

constexpr std::size_t kLargeBytes = 1 << 20;
constexpr std::string_view kMergedSuffix = ".base.sqlite";

std::string file_name(const SnapshotIdentity& identity, bool merged) {
  std::string stage = identity.stage;
  std::ranges::replace(stage, '/', '+');
  return stage + "." + std::to_string(identity.instance) + ".a" + std::to_string(identity.attempt.value()) +
         (merged ? std::string(kMergedSuffix) : ".sqlite");
}

// About how many bytes of earlier files a capture may make useless: rows that are only added make none so.
std::uint64_t outdated_by(const Capture& capture) {
  std::uint64_t bytes = 0;
  for (const TableCapture& table : capture.tables) {
    bytes += table.rows.size_bytes();
    for (const OutboxBatch& batch : table.batches) bytes += batch.batch.size_bytes();
    if (!table.layout) continue;
    std::size_t gone = table.before || table.cleared ? table.references.bound() : 0;
    for (const auto& pack : table.tombstones) gone += pack->rows();
    bytes += gone * 2 * table.layout->value_bytes();
  }
  return bytes;
}

RestoreTarget target_of(const SnapshotIdentity& identity, const RowLanguage* language) {
  return {identity.instance, identity.parallelism, identity.key_groups, language};
}

// Only a hint: while the digest is made the disk can be at work already, and the sync waits for less.
void start_writing(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  ::close(fd);
}

}  // namespace

bool is_merged_base(std::string_view path) { return path.ends_with(kMergedSuffix); }

SnapshotWriter::SnapshotWriter(Files& files, WriterOptions options) : files_(files), options_(std::move(options)) {}

SnapshotIdentity SnapshotWriter::identity(Epoch epoch, bool base) const {
  SnapshotIdentity identity = options_.identity;
  identity.epoch = epoch;
  identity.base = base;
  return identity;
}

std::string SnapshotWriter::scratch_path() {
  return options_.scratch + "/" + std::to_string(++scratch_count_) + ".partial";
}

void SnapshotWriter::restored(const RestoreSource& source, std::vector<TableSpec> tables, const RowLanguage* language) {
  STREAM_CHECK(chains_.empty());
  language_ = language;
  const SnapshotIdentity& mine = options_.identity;
  if (!source.extends() || source.parallelism != mine.parallelism) {
    foreign_ = source;
    foreign_tables_ = std::move(tables);
    return;
  }
  Chain& chain = chains_[source.epoch];
  for (const InstanceFiles& files : source.instances) {
    if (files.instance == mine.instance) chain = files.files;
  }
}

// The files the capture builds on.
Result<SnapshotWriter::Chain> SnapshotWriter::chain_of(const Capture& capture) {
  if (capture.since == Epoch(0)) return Chain();
  chains_.erase(chains_.begin(), chains_.lower_bound(capture.since));
  if (foreign_ && foreign_->epoch == capture.since) {
    STREAM_ASSIGN(chains_[capture.since], own_base(capture.epoch));
    foreign_.reset();
  }
  const auto found = chains_.find(capture.since);
  STREAM_CHECK(found != chains_.end());
  Chain chain = found->second;
  STREAM_TRY(use_compacted(chain, capture.epoch));
  return chain;
}

Result<SnapshotWriter::Chain> SnapshotWriter::own_base(Epoch epoch) {
  const std::string path = scratch_path();
  STREAM_TRY(build_merged(path, *foreign_, foreign_tables_, run_here));
  STREAM_ASSIGN(FileRef file, publish_or_discard(path, epoch, true, true));
  return Chain{std::move(file)};
}

Status SnapshotWriter::use_compacted(Chain& chain, Epoch epoch) {
  if (!compacted_) return {};
  const auto& replaced = compacted_->replaced;
  if (chain.size() < replaced.size() || !std::equal(replaced.begin(), replaced.end(), chain.begin())) {
    compacted_.reset();  // a published checkpoint builds on it by now, or on something newer
    return {};
  }
  if (!compacted_->scratch_path.empty()) {
    auto file = publish_or_discard(compacted_->scratch_path, epoch, true, true);
    if (!file.ok()) {
      compacted_.reset();  // it may be under its final name already; the next compaction makes another
      return std::move(file).status();
    }
    compacted_->file = *std::move(file);
    compacted_->scratch_path.clear();
  }
  chain.erase(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(replaced.size()));
  chain.insert(chain.begin(), compacted_->file);
  return {};
}

Status SnapshotWriter::build(const std::string& path, const SnapshotIdentity& identity, PackOptions pack,
                             const Fill& fill) const {
  STREAM_TRY(files_.make_dir(options_.scratch));
  const auto fill_and_finish = [&]() -> Status {
    STREAM_ASSIGN(const auto writer, PackedFileWriter::create(path, identity, pack));
    STREAM_TRY(fill(*writer));
    return writer->finish();
  };
  Status built = fill_and_finish();
  if (!built.ok()) (void)files_.remove(path);
  return built;
}

Result<std::string> SnapshotWriter::build_increment(const Capture& capture, bool base) {
  const PackOptions pack{options_.compress, capture.size_bytes() > kLargeBytes, options_.piece_bytes * 2};
  const auto fill = [&](PackedFileWriter& writer) -> Status {
    for (const TableCapture& table : capture.tables) {
      if (base || !table.empty()) STREAM_TRY(writer.add_table(table));
    }
    return {};
  };
  std::string path = scratch_path();
  STREAM_TRY(build(path, identity(capture.epoch, base), pack, fill));
  return path;
}

Status SnapshotWriter::build_merged(const std::string& path, const RestoreSource& source,
                                    const std::vector<TableSpec>& tables, const RunStep& run) const {
  const SnapshotIdentity whole = identity(source.epoch, true);
  return build(path, whole, {options_.compress, true, options_.piece_bytes * 2}, [&](PackedFileWriter& writer) {
    return merge_files(source, target_of(whole, language_), tables, options_.piece_bytes, writer, run);
  });
}

// A file system that is mounted twice, as volumes of a container are, is two to rename().
Result<bool> SnapshotWriter::same_mount(const std::string& folder) const {
  struct statx here {};
  struct statx there {};
  const auto look = [](const std::string& path, struct statx& found) {
    return ::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &found) == 0;
  };
  if (!look(options_.scratch, here)) return system_error("look at", options_.scratch, errno);
  if (!look(folder, there)) return system_error("look at", folder, errno);
  return here.stx_dev_major == there.stx_dev_major && here.stx_dev_minor == there.stx_dev_minor &&
         here.stx_mnt_id == there.stx_mnt_id;
}

Result<FileRef> SnapshotWriter::publish(const std::string& scratch_path, Epoch epoch, bool base, bool merged) {
  const std::string name = std::to_string(epoch.value()) + "/" + file_name(options_.identity, merged);
  const std::string folder = options_.checkpoints + "/" + std::to_string(epoch.value());
  const std::string target = options_.checkpoints + "/" + name;
  start_writing(scratch_path);
  STREAM_ASSIGN(FileDigest digest, digest_written(scratch_path));
  STREAM_TRY(files_.make_dir(folder));
  STREAM_ASSIGN(const bool near, same_mount(folder));
  const std::string source = near ? scratch_path : target + ".partial";
  if (!near) {
    STREAM_TRY(files_.remove(source));  // of a failed attempt; read-only, so it cannot be replaced
    STREAM_TRY(files_.copy_file(scratch_path, source));
  }
  STREAM_TRY(files_.sync_file(source));
  STREAM_TRY(files_.rename(source, target));
  STREAM_TRY(files_.sync_dir(folder));
  if (!near) STREAM_TRY(keep_copy(scratch_path, name));
  if (options_.send) STREAM_TRY(options_.send(target, name));
  return FileRef{name, digest.size_bytes, std::move(digest.sha256), base};
}

// Whether it is whole is found out when it is read, so nothing is synced; nothing depends on it.
Status SnapshotWriter::keep_copy(const std::string& scratch_path, const std::string& name) {
  const std::string target = options_.local + "/" + name;
  const bool kept = !options_.local.empty() && files_.make_dir(target.substr(0, target.rfind('/'))).ok() &&
                    files_.rename(scratch_path, target).ok();
  return kept ? Status() : files_.remove(scratch_path);
}

Result<FileRef> SnapshotWriter::publish_or_discard(const std::string& scratch_path, Epoch epoch, bool base,
                                                   bool merged) {
  auto file = publish(scratch_path, epoch, base, merged);
  if (!file.ok()) (void)files_.remove(scratch_path);
  return file;
}

// Files of chains that nothing can build on any more.
Status SnapshotWriter::forget_files() {
  std::vector<FileRef> needed;
  for (const auto& [epoch, chain] : chains_) needed.insert(needed.end(), chain.begin(), chain.end());
  if (compacted_) needed.push_back(compacted_->file);
  return keep_only(files_, options_.checkpoints, needed);
}

Result<InstanceFiles> SnapshotWriter::write(Capture capture) {
  STREAM_ASSIGN(Chain chain, chain_of(capture));
  if (!capture.empty()) {
    const bool base = chain.empty();
    STREAM_ASSIGN(const std::string path, build_increment(capture, base));
    const std::uint64_t outdated = outdated_by(capture);
    capture.tables.clear();
    STREAM_ASSIGN(FileRef file, publish_or_discard(path, capture.epoch, base, false));
    std::erase_if(outdating_, [&](const auto& known) {
      return std::ranges::find(chain, known.first, &FileRef::path) == chain.end();
    });
    outdating_[file.path] = outdated;
    chain.push_back(std::move(file));
  }
  chains_[capture.epoch] = chain;
  if (options_.alone) STREAM_TRY(forget_files());
  return InstanceFiles{options_.identity.instance, std::move(chain)};
}

bool SnapshotWriter::wants_merge() const {
  if (compacted_ || chains_.empty()) return false;
  const Chain& chain = chains_.begin()->second;
  if (chain.size() < 2) return false;
  std::uint64_t outdated = 0;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const auto known = outdating_.find(chain[i].path);
    outdated += known == outdating_.end() ? chain[i].size_bytes : std::min(known->second, chain[i].size_bytes);
  }
  return chain.size() > options_.increments_max ||
         (outdated > options_.compact_above_bytes && outdated > chain[0].size_bytes);
}

std::optional<SnapshotWriter::Merge> SnapshotWriter::begin_merge() {
  if (!wants_merge()) return std::nullopt;
  const auto& [epoch, chain] = *chains_.begin();
  return Merge{epoch, chain, scratch_path()};
}

Status SnapshotWriter::merge(const Merge& merge, const RunStep& run) const {
  const SnapshotIdentity& mine = options_.identity;
  const RestoreSource source{options_.checkpoints, merge.epoch, mine.parallelism, {{mine.instance, merge.files}}, true};
  return build_merged(merge.scratch_path, source, {}, run);
}

void SnapshotWriter::merged(Merge merge) {
  compacted_ = Compacted{std::move(merge.files), std::move(merge.scratch_path), {}};
}

}  // namespace stream
