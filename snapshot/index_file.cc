#include "snapshot/index_file.h"

#include "snapshot/digest.h"
#include "snapshot/snapshot_file.h"

namespace stream {
namespace {

// Every fact of the index, each text with its length, so that no two indexes read the same.
std::string canonical(const CheckpointIndex& index) {
  std::string out;
  const auto number = [&](std::uint64_t n) { out += std::to_string(n) + ';'; };
  const auto text = [&](const std::string& t) { out += std::to_string(t.size()) + ':' + t; };
  number(index.epoch.value());
  number((index.savepoint ? 1 : 0) + (index.drained ? 2 : 0));
  for (const std::string& t : {index.job, index.run, index.label, index.manifest, index.plan}) text(t);
  number(index.attempt.value());
  number(static_cast<std::uint64_t>(index.created_us));
  number(index.key_groups);
  for (const IndexStage& stage : index.stages) {
    text(stage.name);
    number(stage.parallelism);
  }
  for (const IndexInstance& instance : index.instances) {
    text(instance.stage);
    number(instance.instance);
    text(instance.info);
    for (const FileRef& file : instance.files) {
      text(file.path);
      number(file.size_bytes);
      text(file.sha256);
      number(file.base ? 1 : 0);
    }
  }
  // Facts that came later are left out where they are empty, so that a file of an earlier format keeps its hash.
  const auto later = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    text(name);
    text(value);
  };
  later("note", index.note);
  later("written_by", index.written_by);
  return out;
}

std::string hash_of(const CheckpointIndex& index) {
  const auto hash = xxh3_128(canonical(index));
  return {hash.data(), hash.size()};
}

std::int64_t i64(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Status write_instances(Database& db, const CheckpointIndex& index) {
  STREAM_ASSIGN(Statement stages, db.prepare("INSERT INTO stages VALUES (?, ?, ?)"));
  std::int64_t position = 0;
  for (const IndexStage& stage : index.stages) {
    STREAM_TRY(stages.bind(1, position++).bind_text(2, stage.name).bind(3, std::int64_t{stage.parallelism}).run());
  }
  STREAM_ASSIGN(Statement instances, db.prepare("INSERT INTO instances VALUES (?, ?, ?, ?)"));
  STREAM_ASSIGN(Statement files, db.prepare("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)"));
  position = 0;
  for (const IndexInstance& instance : index.instances) {
    instances.bind(1, position).bind_text(2, instance.stage).bind(3, std::int64_t{instance.instance});
    STREAM_TRY(instances.bind_text(4, instance.info).run());
    std::int64_t place = 0;
    for (const FileRef& file : instance.files) {
      files.bind(1, position).bind(2, place++).bind_text(3, file.path).bind(4, i64(file.size_bytes));
      STREAM_TRY(files.bind_text(5, file.sha256).bind(6, std::int64_t{file.base}).run());
    }
    ++position;
  }
  return {};
}

Status read_instances(Database& db, CheckpointIndex& index) {
  STREAM_ASSIGN(Statement stages, db.prepare("SELECT name, parallelism FROM stages ORDER BY position"));
  for (;;) {
    STREAM_ASSIGN(const bool row, stages.step());
    if (!row) break;
    index.stages.push_back({std::string(stages.text(0)), static_cast<std::uint32_t>(stages.integer(1))});
  }
  STREAM_ASSIGN(Statement instances, db.prepare("SELECT stage, instance, info FROM instances ORDER BY position"));
  for (;;) {
    STREAM_ASSIGN(const bool row, instances.step());
    if (!row) break;
    index.instances.push_back({std::string(instances.text(0)),
                               static_cast<std::uint32_t>(instances.integer(1)),
                               {},
                               std::string(instances.text(2))});
  }
  STREAM_ASSIGN(Statement files, db.prepare("SELECT owner, path, size, sha256, base FROM files ORDER BY owner, place"));
  for (;;) {
    STREAM_ASSIGN(const bool row, files.step());
    if (!row) return {};
    const auto owner = static_cast<std::uint64_t>(files.integer(0));
    if (owner >= index.instances.size()) return corrupt("unable to read '" + db.path() + "': a file of nobody");
    index.instances[owner].files.push_back({std::string(files.text(1)), static_cast<std::uint64_t>(files.integer(2)),
                                            std::string(files.text(3)), files.integer(4) != 0});
  }
}

}  // namespace

const std::string_view kCheckpointDdl = R"sql(PRAGMA user_version = 2;

CREATE TABLE checkpoint (         -- exactly one row
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  kind        TEXT    NOT NULL CHECK (kind IN ('checkpoint', 'savepoint')),
  epoch       INTEGER NOT NULL CHECK (epoch > 0),
  drained     INTEGER NOT NULL CHECK (drained IN (0, 1)),
  job         TEXT    NOT NULL,
  run         TEXT    NOT NULL,
  attempt     INTEGER NOT NULL CHECK (attempt >= 0),
  label       TEXT    NOT NULL,
  created_us  INTEGER NOT NULL,   -- microseconds since 1970, UTC
  key_groups  INTEGER NOT NULL CHECK (key_groups > 0),
  manifest    TEXT    NOT NULL,   -- as submitted
  plan        TEXT    NOT NULL,   -- JSON
  xxh3        BLOB    NOT NULL CHECK (length(xxh3) = 16), -- over all facts of the index
  note        TEXT    NOT NULL,   -- what somebody has to say of it
  written_by  TEXT    NOT NULL    -- version of stream
) STRICT;

CREATE TABLE stages (
  position    INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  parallelism INTEGER NOT NULL CHECK (parallelism > 0)
) STRICT;

CREATE TABLE instances (
  position    INTEGER PRIMARY KEY,
  stage       TEXT    NOT NULL,
  instance    INTEGER NOT NULL CHECK (instance >= 0),
  info        TEXT    NOT NULL,   -- JSON
  UNIQUE (stage, instance)
) STRICT;

CREATE TABLE files (              -- oldest first: a base, then the increments on it
  owner       INTEGER NOT NULL REFERENCES instances (position),
  place       INTEGER NOT NULL,
  path        TEXT    NOT NULL,   -- below the checkpoints folder
  size        INTEGER NOT NULL CHECK (size >= 0),
  sha256      TEXT    NOT NULL CHECK (length(sha256) = 64),
  base        INTEGER NOT NULL CHECK (base = (place = 0)),
  PRIMARY KEY (owner, place)
) STRICT, WITHOUT ROWID;
)sql";

Status write_index(Database& db, const CheckpointIndex& index) {
  STREAM_TRY(db.execute(std::string(kCheckpointDdl)));
  STREAM_ASSIGN(Statement row,
                db.prepare("INSERT INTO checkpoint VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  const std::string hash = hash_of(index);
  row.bind_text(1, index.savepoint ? "savepoint" : "checkpoint").bind(2, i64(index.epoch.value()));
  row.bind(3, std::int64_t{index.drained}).bind_text(4, index.job).bind_text(5, index.run);
  row.bind(6, std::int64_t{index.attempt.value()}).bind_text(7, index.label).bind(8, index.created_us);
  row.bind(9, std::int64_t{index.key_groups}).bind_text(10, index.manifest).bind_text(11, index.plan);
  row.bind_blob(12, hash).bind_text(13, index.note).bind_text(14, index.written_by);
  STREAM_TRY(row.run());
  return write_instances(db, index);
}

Result<CheckpointIndex> read_index(Database& db) {
  STREAM_ASSIGN(Statement row, db.prepare("SELECT kind, epoch, drained, job, run, attempt, label, created_us, "
                                          "key_groups, manifest, plan, xxh3, note, written_by FROM checkpoint"));
  STREAM_ASSIGN(const bool found, row.step());
  if (!found) return corrupt("unable to read '" + db.path() + "': the index is empty");
  CheckpointIndex index;
  index.savepoint = row.text(0) == "savepoint";
  index.epoch = Epoch(static_cast<std::uint64_t>(row.integer(1)));
  index.drained = row.integer(2) != 0;
  index.job = row.text(3);
  index.run = row.text(4);
  index.attempt = Attempt(static_cast<std::uint32_t>(row.integer(5)));
  index.label = row.text(6);
  index.created_us = row.integer(7);
  index.key_groups = static_cast<std::uint32_t>(row.integer(8));
  index.manifest = row.text(9);
  index.plan = row.text(10);
  const std::string hash(row.blob(11));
  index.note = row.text(12);
  index.written_by = row.text(13);
  STREAM_TRY(read_instances(db, index));
  if (hash != hash_of(index)) return corrupt("unable to read '" + db.path() + "': the index does not match its hash");
  return index;
}

}  // namespace stream
