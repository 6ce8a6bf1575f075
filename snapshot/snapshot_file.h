// SnapshotFile: reading the state of one instance from a file, whatever its form: packed segments
// (a base or an increment, snapshot/packed_file.h) or the plain tables of a savepoint
// (snapshot/savepoint_file.h). See stream-snapshot(5).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"
#include "transport/record/key.h"

namespace stream {

inline constexpr int kSnapshotVersion = 2;  // PRAGMA user_version of every file of this library; see format_version.h

// Whose state a file holds.
struct SnapshotIdentity {
  std::string job;
  std::string run;  // 32 hex digits
  Attempt attempt;
  std::string stage;
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = kKeyGroupsDefault;
  Epoch epoch;
  bool base = false;  // stands alone

  friend bool operator==(const SnapshotIdentity&, const SnapshotIdentity&) = default;
};

// What a file says about one table, handed out in the order it applies.
class ChangeVisitor {
 public:
  virtual ~ChangeVisitor() = default;
  virtual Status clear() = 0;
  virtual Status drop_before(std::int64_t before) = 0;  // rows with ordered < before
  // Batches have the columns of the file's spec. They may hold
  // rows of other key groups than were asked for; `exact` says that they do not.
  virtual Status tombstones(const Batch& keys, bool exact) = 0;
  virtual Status rows(const Batch& rows, bool exact) = 0;
};

// Any thread, one at a time.
class SnapshotFile {
 public:
  struct Weight {
    KeyGroupRange groups;
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;  // never more than the file has bytes for
  };

  // Opens a published file; "FILE#STAGE.INSTANCE" names a part of a single-file savepoint.
  // Errors: kNotFound, kCorrupt, kSystem; kUsage for a format version of a later release.
  static Result<std::unique_ptr<SnapshotFile>> open(const std::string& path);
  virtual ~SnapshotFile() = default;

  const SnapshotIdentity& identity() const { return identity_; }
  const std::vector<TableSpec>& tables() const { return tables_; }

  // Visits what the file says about tables()[index] in these key groups. Everything read is
  // checked first; errors are kCorrupt, naming the file, or what the visitor returned.
  virtual Status visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) = 0;
  // Roughly how many bytes and rows lie in which key groups: how to cut a merge into pieces, how much
  // room to make. May be empty.
  virtual Result<std::vector<Weight>> weights(std::size_t index) = 0;
  // The table has clear() or drop_before() changes, which concern all rows of the old instance.
  virtual Result<bool> has_marks(std::size_t index) = 0;

 protected:
  SnapshotIdentity identity_;
  std::vector<TableSpec> tables_;
};

}  // namespace stream
