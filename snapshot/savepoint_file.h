// Savepoint files: the state of instances as plain SQL tables that anybody can read. Each state
// table is a table of its own name and columns plus `_key_group`; `_stream_instances` and
// `_stream_tables` say what belongs to whom. One file holds one instance, or all of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/digest.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/sqlite.h"
#include "snapshot/table_loader.h"

namespace stream {

// The DDL of the two tables, as it is executed and as it stands in stream-snapshot(5).
extern const std::string_view kSavepointDdl;

// "FILE#STAGE.INSTANCE" -> {FILE, STAGE.INSTANCE}; any other path -> {path, ""}.
struct SavepointPart {
  std::string path;
  std::string name;
};
SavepointPart split_part(const std::string& path);

// How a state table is declared; `table` is its name in the file.
std::string savepoint_ddl(const TableSpec& spec, const std::string& table);

// SHA-256 over the values of all rows, in order: what an index in the same file can hold.
class ContentDigest {
 public:
  void add_table(const TableSpec& spec);
  void add_rows(const Batch& rows);  // columns in the order of the spec
  FileDigest finish() { return sum_.finish(); }

 private:
  Sha256 sum_;
};

// Content digest of a part of a single-file savepoint. Errors: kNotFound, kCorrupt.
Result<FileDigest> digest_part(const std::string& path);

// Writes instances into a database that is being built; create_savepoint_tables() first. Between these calls the
// database is in no transaction, and nobody else uses it.
Status create_savepoint_tables(Database& db);

class SavepointInstanceWriter {
 public:
  // `prefix` stands before the name of every table: "STAGE.INSTANCE.", or "" for the only instance of a file, whose
  // content needs no digest beside that of the file.
  static Result<SavepointInstanceWriter> start(Database& db, const SnapshotIdentity& identity, std::string prefix);

  Status start_table(const TableSpec& spec);
  Status add_rows(const Batch& rows);  // columns of the spec, by ascending key group from call to call
  // Ends the last table. The digest of the content, if there is a prefix.
  Result<FileDigest> finish();

 private:
  SavepointInstanceWriter(Database& db, SnapshotIdentity identity, std::string prefix)
      : db_(&db), identity_(std::move(identity)), prefix_(std::move(prefix)) {}

  Status finish_table();
  Result<std::uint32_t> make_table(const TableSpec& spec);  // its first page

  Database* db_;
  SnapshotIdentity identity_;
  std::string prefix_;
  TableSpec spec_;
  std::unique_ptr<TableLoader> loader_;
  SqliteRecord record_;
  std::string scratch_;
  ContentDigest digest_;
};

class SavepointFile final : public SnapshotFile {
 public:
  // `part` = "STAGE.INSTANCE", or "" for the only one.
  static Result<std::unique_ptr<SnapshotFile>> open(std::unique_ptr<Database> db, const std::string& part);

  Status visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) override;
  Result<std::vector<Weight>> weights(std::size_t index) override;
  Result<bool> has_marks(std::size_t) override { return false; }

 private:
  explicit SavepointFile(std::unique_ptr<Database> db) : db_(std::move(db)) {}
  Status read_identity(const std::string& part);
  Status read_tables();

  std::unique_ptr<Database> db_;
  std::vector<std::string> sql_tables_;
};

}  // namespace stream
