#include "snapshot/savepoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "snapshot/digest.h"
#include "snapshot/index_file.h"
#include "snapshot/restore.h"
#include "snapshot/savepoint_file.h"
#include "snapshot/savepoint_partial.h"
#include "snapshot/table_slices.h"
#include "transport/base/in_parallel.h"

namespace stream {
namespace {

// Read, then written, in a step each. A segment holds a few key groups of one file: smaller pieces read most of them
// twice.
constexpr std::uint64_t kPieceBytes = 32 << 20;

bool is_link(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool is_folder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string part_name(const IndexInstance& instance) {
  return instance.stage + "." + std::to_string(instance.instance);
}

std::string file_name(const IndexInstance& instance) {
  std::string name = part_name(instance) + ".sqlite";
  std::ranges::replace(name, '/', '+');
  return name;
}

SnapshotIdentity identity_of(const CheckpointIndex& index, const IndexInstance& instance, std::uint32_t parallelism) {
  return {index.job,        index.run,   index.attempt, instance.stage, instance.instance, parallelism,
          index.key_groups, index.epoch, true};
}

std::uint32_t parallelism_of(const CheckpointIndex& index, const std::string& stage) {
  return restore_source(index, stage, "", false).parallelism;
}

Status write_table(RestoreReader& reader, const TableSpec& spec, const SavepointRequest& request,
                   SavepointInstanceWriter& out) {
  if (is_outbox(spec)) return {};  // committed, so nothing is pending
  STREAM_TRY(out.start_table(spec));
  STREAM_ASSIGN(const auto pieces, reader.cut(spec, reader.groups_of(spec), kPieceBytes));
  for (const KeyGroupRange piece : pieces) {
    StateTable table(spec, false);
    STREAM_TRY(request.run([&] { return reader.load(piece, table); }));
    STREAM_TRY(request.run([&] {
      return for_each_slice(table, request.index.key_groups, kSliceBytesMax,
                            [&](const Batch& rows) { return out.add_rows(rows); });
    }));
  }
  return {};
}

// The state of one instance as its checkpoint has it.
Status fill_from(const SavepointRequest& request, const IndexInstance& instance, SavepointInstanceWriter& writer) {
  const std::uint32_t parallelism = parallelism_of(request.index, instance.stage);
  const RestoreSource source{
      request.checkpoints, request.index.epoch, parallelism, {{instance.instance, instance.files}}, false};
  STREAM_ASSIGN(const auto reader,
                RestoreReader::open(source, {instance.instance, parallelism, request.index.key_groups}));
  for (const TableSpec& spec : reader->tables()) STREAM_TRY(write_table(*reader, spec, request, writer));
  return {};
}

CheckpointIndex index_for(const SavepointRequest& request) {
  CheckpointIndex index = request.index;
  index.drained = request.drained;
  index.label = request.label;
  index.note = request.note;
  index.created_us = request.created_us;
  return index;
}

// One instance into a database; the digest of its content.
Result<FileDigest> write_instance(const CheckpointIndex& index, const IndexInstance& instance, Database& db,
                                  const std::string& prefix, const FillInstance& fill) {
  const SnapshotIdentity identity = identity_of(index, instance, parallelism_of(index, instance.stage));
  STREAM_ASSIGN(auto writer, SavepointInstanceWriter::start(db, identity, prefix));
  STREAM_TRY(fill(instance, writer));
  return writer.finish();
}

Result<FileRef> build_file(Files& files, const CheckpointIndex& index, const IndexInstance& instance,
                           const std::string& folder, const FillInstance& fill, const RunStep& run) {
  const std::string name = file_name(instance);
  const std::string path = folder + "/" + name;
  {
    STREAM_ASSIGN(const auto db, Database::create(path, true));
    STREAM_TRY(create_savepoint_tables(*db));
    const Result<FileDigest> written = write_instance(index, instance, *db, "", fill);
    if (!written.ok()) return written.status();
    STREAM_TRY(db->take_up());
    STREAM_TRY(db->finish());
  }
  STREAM_TRY(run([&] { return files.sync_file(path); }));
  STREAM_ASSIGN(FileDigest digest, digest_file(path, run));
  return FileRef{name, digest.size_bytes, std::move(digest.sha256), true};
}

Result<CheckpointIndex> build_folder(Files& files, CheckpointIndex index, const std::string& partial,
                                     const FillInstance& fill, const RunStep& run, std::size_t threads) {
  STREAM_TRY(files.make_dir(partial));
  std::vector<FileRef> built(index.instances.size());
  STREAM_TRY(in_parallel(built.size(), threads, [&](std::size_t i) -> Status {
    STREAM_ASSIGN(built[i], build_file(files, index, index.instances[i], partial, fill, run));
    return {};
  }));
  for (std::size_t i = 0; i < built.size(); ++i) index.instances[i].files = {std::move(built[i])};
  const std::string path = partial + "/" + std::string(kSavepointIndexName);
  STREAM_ASSIGN(const auto db, Database::create(path, false));
  STREAM_TRY(write_index(*db, index));
  STREAM_TRY(db->finish());
  STREAM_TRY(files.sync_file(path));
  STREAM_TRY(files.sync_dir(partial));
  return index;
}

// A view of the plain name where a table name stands for itself: one stage, one instance.
Status add_views(Database& db) {
  STREAM_ASSIGN(
      Statement find,
      db.prepare("SELECT name, min(sql_table) FROM _stream_tables GROUP BY name HAVING count(*) = 1 AND name NOT IN "
                 "(SELECT name FROM sqlite_master)"));
  std::string sql;
  for (;;) {
    STREAM_ASSIGN(const bool row, find.step());
    if (!row) break;
    sql += "CREATE VIEW " + sql_name(find.text(0)) + " AS SELECT * FROM " + sql_name(find.text(1)) + ";";
  }
  find = Statement();
  return db.execute(sql);
}

Result<CheckpointIndex> build_single(Files& files, CheckpointIndex index, const std::string& partial,
                                     const std::string& target, const FillInstance& fill, const RunStep& run) {
  STREAM_ASSIGN(const auto db, Database::create(partial, true));
  STREAM_TRY(create_savepoint_tables(*db));
  for (IndexInstance& instance : index.instances) {
    STREAM_ASSIGN(FileDigest digest, write_instance(index, instance, *db, part_name(instance) + ".", fill));
    instance.files = {
        {last_name(target) + "#" + part_name(instance), digest.size_bytes, std::move(digest.sha256), true}};
  }
  STREAM_TRY(db->take_up());
  STREAM_TRY(write_index(*db, index));
  STREAM_TRY(add_views(*db));
  STREAM_TRY(db->finish());
  STREAM_TRY(run([&] { return files.sync_file(partial); }));
  return index;
}

}  // namespace

Result<CheckpointIndex> write_savepoint(Files& files, CheckpointIndex index, const std::string& target,
                                        bool single_file, const FillInstance& fill, const RunStep& run,
                                        std::size_t threads) {
  index.savepoint = true;
  index.written_by = STREAM_VERSION;
  const Status published = publish_savepoint(files, target, [&](const std::string& partial) -> Result<std::string> {
    STREAM_ASSIGN(index, single_file ? build_single(files, std::move(index), partial, target, fill, run)
                                     : build_folder(files, std::move(index), partial, fill, run, threads));
    return partial;
  });
  STREAM_TRY(published);
  return index;
}

Result<CheckpointIndex> build_savepoint(Files& files, const SavepointRequest& request) {
  return write_savepoint(
      files, index_for(request), request.target, request.single_file,
      [&](const IndexInstance& instance, SavepointInstanceWriter& writer) {
        return fill_from(request, instance, writer);
      },
      request.run, request.threads);
}

Result<CheckpointIndex> load_savepoint(const std::string& path) {
  const std::string at = is_folder(path) ? path + "/" + std::string(kSavepointIndexName) : path;
  struct stat info {};
  if (::stat(at.c_str(), &info) != 0 && errno == ENOENT && is_folder(path))
    return usage_error("'" + path + "' is no savepoint: there is no " + std::string(kSavepointIndexName) +
                       " in it; 'stream savepoint --list' shows those of your jobs");
  STREAM_ASSIGN(CheckpointIndex index, load_index(at));
  if (!index.savepoint) return corrupt("'" + path + "' is a checkpoint, not a savepoint");
  // A single file may have been renamed since.
  for (IndexInstance& instance : index.instances) {
    for (FileRef& file : instance.files) {
      const std::size_t hash = file.path.rfind('#');
      if (hash != std::string::npos && !is_folder(path)) file.path = last_name(path) + file.path.substr(hash);
    }
  }
  return index;
}

namespace {

// What a folder of a savepoint consists of besides its index.
Result<std::set<std::string>> names_in(const std::string& folder, const CheckpointIndex& index) {
  std::set<std::string> names;
  for (const FileRef& file : files_of(index)) {
    if (file.path.find('/') != std::string::npos) {
      return corrupt("'" + folder + "' names '" + file.path + "', which is outside of it");
    }
    names.insert(file.path);
  }
  return names;
}

Status refuse_strangers(Files& files, const std::string& folder, const std::set<std::string>& own) {
  STREAM_ASSIGN(const auto present, files.list(folder));
  for (const std::string& name : present) {
    if (name == kSavepointIndexName || own.contains(name)) continue;
    return failed("'" + folder + "' holds '" + name + "', which is not of the savepoint; nothing was deleted");
  }
  return {};
}

}  // namespace

Result<CheckpointIndex> delete_savepoint(Files& files, const std::string& path) {
  if (is_link(path)) return usage_error("'" + path + "' is a symbolic link; name the savepoint itself");
  auto index = load_savepoint(path);
  if (!index.ok()) return usage_error("'" + path + "' is not a savepoint; nothing was deleted");
  if (is_folder(path)) {
    STREAM_ASSIGN(const std::set<std::string> own, names_in(path, *index));
    STREAM_TRY(refuse_strangers(files, path, own));
  }
  STREAM_TRY(remove_published(files, path));
  return index;
}

std::string savepoint_folder(const std::string& path) { return is_folder(path) ? path : folder_above(path); }

}  // namespace stream
