// Snapshot file: one SQLite file with the state of one instance, whole (base) or what changed
// (increment), rows packed by key group into segments. See stream-snapshot(5).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/table_spec.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"
#include "transport/record/key.h"

namespace stream {

inline constexpr int kSnapshotVersion = 1;  // PRAGMA user_version of every file of this library

// The DDL, as it is executed and as it stands in stream-snapshot(5).
extern const std::string_view kSnapshotDdl;

struct SnapshotIdentity {
  std::string job;
  std::string run;  // 32 hex digits
  Attempt attempt;
  std::string stage;
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = kKeyGroupsDefault;
  Epoch epoch;
  bool base = false;

  friend bool operator==(const SnapshotIdentity&, const SnapshotIdentity&) = default;
};

class Database;

// Builds a file at a scratch path; not durable until synced and published through Files.
class SnapshotFileWriter {
 public:
  static Result<std::unique_ptr<SnapshotFileWriter>> create(const std::string& path, SnapshotIdentity identity,
                                                            bool compress);
  ~SnapshotFileWriter();

  // Per table, in this order: add_table, then the changes in the order they apply.
  Status add_table(const TableSpec& spec);
  Status add_clear();
  Status add_before(std::int64_t before);   // rows with ordered < before are dropped
  Status add_tombstones(const Batch& keys);  // the key columns of the spec
  Status add_rows(const Batch& rows);        // all columns of the spec
  // Closes the file; mode 0444.
  Status finish();

 private:
  SnapshotFileWriter(std::unique_ptr<Database> db, std::string path, SnapshotIdentity identity, bool compress);
  Status add_packed(const Batch& batch, std::string_view kind);
  Status add_segment(std::string_view kind, KeyGroupRange groups, const Batch& batch);
  Status add_mark(std::string_view kind, std::optional<std::int64_t> before);

  std::unique_ptr<Database> db_;
  std::string path_;
  SnapshotIdentity identity_;
  bool compress_;
  TableSpec spec_;
  std::int64_t table_ = 0;
  std::int64_t segment_ = 0;
};

// What a file says about one table, handed out in the order it applies.
class ChangeVisitor {
 public:
  virtual ~ChangeVisitor() = default;
  virtual Status clear() = 0;
  virtual Status drop_before(std::int64_t before) = 0;
  // Batches are valid during the call only. Rows may include key groups outside of the range asked
  // for; `exact` says that none does.
  virtual Status tombstones(const Batch& keys, bool exact) = 0;
  virtual Status rows(const Batch& rows, bool exact) = 0;
};

// Reads a published file; opened immutable. Every segment is checked against its XXH3-128 and
// decoded as hostile input: errors are kCorrupt, naming the file. Any thread, one at a time.
class SnapshotFile {
 public:
  static Result<std::unique_ptr<SnapshotFile>> open(const std::string& path);
  ~SnapshotFile();

  const SnapshotIdentity& identity() const { return identity_; }
  const std::vector<TableSpec>& tables() const { return tables_; }

  // Visits the changes of table `index` that touch the key groups.
  Status visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor);

  struct Weight {
    KeyGroupRange groups;
    std::uint64_t bytes = 0;
  };
  // Segment sizes of a table: how to cut a merge into pieces that fit in memory.
  Result<std::vector<Weight>> weights(std::size_t index);
  // Reads and checks every segment.
  Status verify();

 private:
  SnapshotFile(std::unique_ptr<Database> db, std::string path);
  Status read_meta();
  Status read_tables();

  std::unique_ptr<Database> db_;
  std::string path_;
  SnapshotIdentity identity_;
  std::vector<TableSpec> tables_;
  std::vector<std::int64_t> ids_;
};

}  // namespace stream
