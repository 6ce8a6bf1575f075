#include "snapshot/savepoint_file.h"

#include <utility>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"
#include "transport/base/check.h"

namespace stream {
namespace {

constexpr std::size_t kReadRows = 4096;

std::string part_name(const SnapshotIdentity& identity) {
  return identity.stage + "." + std::to_string(identity.instance);
}

std::string select_sql(const TableSpec& spec, const std::string& table) {
  std::string sql = "SELECT ";
  for (std::size_t i = 0; i < spec.columns(); ++i) sql += (i == 0 ? "" : ", ") + sql_name(spec.field(i).name);
  return sql + " FROM " + sql_name(table) + " ORDER BY rowid";
}

}  // namespace

const std::string_view kSavepointDdl = R"sql(PRAGMA user_version = 2;

CREATE TABLE _stream_instances (  -- whose state is in this file
  stage       TEXT    NOT NULL,
  instance    INTEGER NOT NULL CHECK (instance >= 0),
  parallelism INTEGER NOT NULL CHECK (parallelism > instance),
  job         TEXT    NOT NULL,
  run         TEXT    NOT NULL,
  attempt     INTEGER NOT NULL CHECK (attempt >= 0),
  key_groups  INTEGER NOT NULL CHECK (key_groups > 0),
  epoch       INTEGER NOT NULL CHECK (epoch > 0),
  PRIMARY KEY (stage, instance)
) STRICT, WITHOUT ROWID;

CREATE TABLE _stream_tables (     -- the state tables, each a table of its own in this file
  stage       TEXT    NOT NULL,
  instance    INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  sql_table   TEXT    NOT NULL UNIQUE,
  spec        TEXT    NOT NULL,   -- JSON: columns, distribution, access paths, definitions
  PRIMARY KEY (stage, instance, name)
) STRICT, WITHOUT ROWID;
)sql";

SavepointPart split_part(const std::string& path) {
  const std::size_t hash = path.rfind('#');
  if (hash == std::string::npos || path.find(".sqlite", hash) != std::string::npos) return {path, ""};
  return {path.substr(0, hash), path.substr(hash + 1)};
}

std::string savepoint_ddl(const TableSpec& spec, const std::string& table) {
  std::string sql = "CREATE TABLE " + sql_name(table) + " (\n";
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    sql += "  " + sql_name(spec.field(i).name) + " " + std::string(sql_type(spec.field(i).type)) + ",\n";
  }
  return sql + "  \"_key_group\" INTEGER NOT NULL\n)";
}

Status create_savepoint_tables(Database& db) {
  STREAM_TRY(db.execute(std::string(kSavepointDdl)));
  return db.let_go();
}

// --- content digest -----------------------------------------------------------------------------

void ContentDigest::add_table(const TableSpec& spec) { sum_.add(spec_to_json(spec)); }

void ContentDigest::add_rows(const Batch& rows) {
  std::vector<std::size_t> columns(rows.columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  std::string encoded;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    encoded.clear();
    append_key(rows, columns, row, encoded);
    sum_.add(encoded);
  }
}

Result<FileDigest> digest_part(const std::string& path) {
  class Hashing final : public ChangeVisitor {
   public:
    explicit Hashing(ContentDigest& digest) : digest_(digest) {}
    Status clear() override { return {}; }
    Status drop_before(std::int64_t) override { return {}; }
    Status tombstones(const Batch&, bool) override { return {}; }
    Status rows(const Batch& rows, bool) override {
      digest_.add_rows(rows);
      return {};
    }

   private:
    ContentDigest& digest_;
  };
  STREAM_ASSIGN(const auto file, SnapshotFile::open(path));
  ContentDigest digest;
  Hashing hashing(digest);
  for (std::size_t i = 0; i < file->tables().size(); ++i) {
    digest.add_table(file->tables()[i]);
    STREAM_TRY(file->visit(i, {0, file->identity().key_groups}, hashing));
  }
  return digest.finish();
}

// --- writing ------------------------------------------------------------------------------------

Result<SavepointInstanceWriter> SavepointInstanceWriter::start(Database& db, const SnapshotIdentity& identity,
                                                               std::string prefix) {
  STREAM_TRY(db.take_up());
  {
    STREAM_ASSIGN(Statement row, db.prepare("INSERT INTO _stream_instances VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
    row.bind_text(1, identity.stage).bind(2, std::int64_t{identity.instance});
    row.bind(3, std::int64_t{identity.parallelism}).bind_text(4, identity.job).bind_text(5, identity.run);
    row.bind(6, std::int64_t{identity.attempt.value()}).bind(7, std::int64_t{identity.key_groups});
    STREAM_TRY(row.bind(8, static_cast<std::int64_t>(identity.epoch.value())).run());
  }
  STREAM_TRY(db.let_go());
  return SavepointInstanceWriter(db, identity, std::move(prefix));
}

Result<std::uint32_t> SavepointInstanceWriter::make_table(const TableSpec& spec) {
  const std::string table = prefix_ + spec.name;
  const std::string json = spec_to_json(spec);
  STREAM_TRY(db_->execute(savepoint_ddl(spec, table)));
  STREAM_ASSIGN(Statement row, db_->prepare("INSERT INTO _stream_tables VALUES (?, ?, ?, ?, ?)"));
  row.bind_text(1, identity_.stage).bind(2, std::int64_t{identity_.instance}).bind_text(3, spec.name);
  STREAM_TRY(row.bind_text(4, table).bind_text(5, json).run());
  STREAM_ASSIGN(Statement find, db_->prepare("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?"));
  STREAM_ASSIGN(const bool found, find.bind_text(1, table).step());
  STREAM_CHECK(found);
  return static_cast<std::uint32_t>(find.integer(0));
}

Status SavepointInstanceWriter::start_table(const TableSpec& spec) {
  STREAM_TRY(finish_table());
  spec_ = spec;
  digest_.add_table(spec);
  STREAM_TRY(db_->take_up());
  STREAM_ASSIGN(const std::uint32_t root, make_table(spec));
  STREAM_TRY(db_->let_go());
  STREAM_ASSIGN(loader_, TableLoader::open(db_->path(), root));
  return {};
}

Status SavepointInstanceWriter::add_rows(const Batch& batch) {
  const Grouping grouping = group_rows(spec_, batch, identity_.key_groups, batch.size_bytes());
  if (!prefix_.empty()) digest_.add_rows(batch.take(grouping.order));
  for (const std::uint32_t row : grouping.order) {
    record_.clear();
    for (std::size_t c = 0; c < batch.columns.size(); ++c) add_value(record_, batch.columns[c], row, scratch_);
    record_.integer(grouping.groups[row]);
    STREAM_TRY(loader_->add(record_));
  }
  return {};
}

Status SavepointInstanceWriter::finish_table() {
  return loader_ ? std::exchange(loader_, nullptr)->finish() : Status();
}

Result<FileDigest> SavepointInstanceWriter::finish() {
  STREAM_TRY(finish_table());
  return digest_.finish();
}

// --- reading ------------------------------------------------------------------------------------

Result<std::unique_ptr<SnapshotFile>> SavepointFile::open(std::unique_ptr<Database> db, const std::string& part) {
  std::unique_ptr<SavepointFile> file(new SavepointFile(std::move(db)));
  STREAM_TRY(file->read_identity(part));
  STREAM_TRY(file->read_tables());
  return std::unique_ptr<SnapshotFile>(std::move(file));
}

Status SavepointFile::read_identity(const std::string& part) {
  STREAM_ASSIGN(Statement row, db_->prepare("SELECT stage, instance, parallelism, job, run, attempt, key_groups, "
                                            "epoch FROM _stream_instances"));
  std::size_t matches = 0;
  for (;;) {
    STREAM_ASSIGN(const bool more, row.step());
    if (!more) break;
    SnapshotIdentity identity;
    identity.stage = row.text(0);
    identity.instance = static_cast<std::uint32_t>(row.integer(1));
    if (!part.empty() && part != part_name(identity)) continue;
    identity.parallelism = static_cast<std::uint32_t>(row.integer(2));
    identity.job = row.text(3);
    identity.run = row.text(4);
    identity.attempt = Attempt(static_cast<std::uint32_t>(row.integer(5)));
    identity.key_groups = static_cast<std::uint32_t>(row.integer(6));
    identity.epoch = Epoch(static_cast<std::uint64_t>(row.integer(7)));
    identity.base = true;
    identity_ = std::move(identity);
    ++matches;
  }
  if (matches == 1 && identity_.key_groups > 0) return {};
  return corrupt("unable to read '" + db_->path() + "': it holds " + std::to_string(matches) + " instances called '" +
                 part + "'");
}

Status SavepointFile::read_tables() {
  STREAM_ASSIGN(Statement tables, db_->prepare("SELECT spec, sql_table FROM _stream_tables WHERE stage = ? AND "
                                               "instance = ? ORDER BY name"));
  tables.bind_text(1, identity_.stage).bind(2, std::int64_t{identity_.instance});
  for (;;) {
    STREAM_ASSIGN(const bool row, tables.step());
    if (!row) return {};
    Result<TableSpec> spec = spec_from_json(tables.text(0));
    if (!spec.ok()) return corrupt("unable to read '" + db_->path() + "': " + spec.status().what());
    tables_.push_back(*std::move(spec));
    sql_tables_.emplace_back(tables.text(1));
  }
}

// The whole table whatever the groups, and never trusting `_key_group`: rows may have been edited.
Status SavepointFile::visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) {
  const TableSpec& spec = tables_[index];
  const bool all = groups.begin == 0 && groups.end == identity_.key_groups;
  STREAM_ASSIGN(Statement select, db_->prepare(select_sql(spec, sql_tables_[index])));
  std::vector<ColumnBuilder> builders;
  for (std::size_t i = 0; i < spec.columns(); ++i) builders.emplace_back(spec.field(i).type);
  for (bool more = true; more;) {
    STREAM_ASSIGN(more, select.step());
    for (std::size_t i = 0; more && i < builders.size(); ++i) {
      Status status = append_value(select, static_cast<int>(i), builders[i]);
      if (!status.ok())
        return std::move(status).while_doing("unable to read '" + db_->path() + "', table " + spec.name);
    }
    if (builders[0].size() == 0 || (more && builders[0].size() < kReadRows)) continue;
    Batch batch{nullptr, builders[0].size(), {}, {}};
    for (ColumnBuilder& builder : builders) batch.columns.push_back(builder.finish());
    STREAM_TRY(visitor.rows(batch, all));
  }
  return {};
}

Result<std::vector<SnapshotFile::Weight>> SavepointFile::weights(std::size_t /*index*/) {
  return std::vector<Weight>();
}

}  // namespace stream
