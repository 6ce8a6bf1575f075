// Packed files: what checkpoints consist of. One SQLite file with the rows of one instance, whole
// (base) or as changed (increment), packed by key group into segments.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "snapshot/capture.h"
#include "snapshot/snapshot_file.h"

namespace stream {

class Database;

// The DDL, as it is executed and as it stands in stream-snapshot(5).
extern const std::string_view kSnapshotDdl;

struct PackOptions {
  bool compress = false;                  // zstd, level 1
  bool large = false;                     // megabytes are expected: larger pages
  std::size_t sorted_at_once = 64 << 20;  // bytes of rows that are brought into the order of key groups together
};

// Builds a file at a scratch path. Nothing of it is durable until it is synced and published
// through Files; a file that was not finished is rubbish.
class PackedFileWriter {
 public:
  static Result<std::unique_ptr<PackedFileWriter>> create(const std::string& path, SnapshotIdentity identity,
                                                          PackOptions options = {});
  ~PackedFileWriter();

  // Per table: start_table(), then its changes in the order they apply.
  Status start_table(const TableSpec& spec);
  Status add_clear();
  Status add_before(std::int64_t before);
  Status add_tombstones(const Batch& keys);     // the key columns of the spec
  Status add_rows(const Batch& rows);           // all columns of the spec
  Status add_table(const TableCapture& table);  // all of it at once
  Status finish();

 private:
  PackedFileWriter(std::unique_ptr<Database> db, SnapshotIdentity identity, PackOptions options);
  template <class Take>
  Status add_grouped(std::string_view kind, const Batch& keys, std::size_t size_bytes, const Take& take);
  template <class Visit>
  Status in_parts(std::size_t rows, std::size_t size_bytes, const Visit& visit) const;
  Status add_pack(const RowLayout& layout, const RowPack& pack, bool keys_only);
  Status add_references(const RowLayout& layout, const TableCapture& table);
  Status add_segment(std::string_view kind, KeyGroupRange groups, const Batch& batch);
  Status add_mark(std::string_view kind, std::optional<std::int64_t> before);

  std::unique_ptr<Database> db_;
  SnapshotIdentity identity_;
  PackOptions options_;
  TableSpec spec_;
  std::int64_t table_ = 0;
};

class PackedFile final : public SnapshotFile {
 public:
  static Result<std::unique_ptr<SnapshotFile>> open(std::unique_ptr<Database> db);
  ~PackedFile() override;

  Status visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) override;
  Result<std::vector<Weight>> weights(std::size_t index) override;
  Result<bool> has_marks(std::size_t index) override;

 private:
  struct Segment;
  // Read once: between what is in them lie the segments' bytes, so that each look costs a page a segment.
  struct Directory;
  explicit PackedFile(std::unique_ptr<Database> db);
  Status read_meta();
  Status read_tables();
  Result<const Directory*> directory(std::size_t index);
  Status read_directory(std::size_t index, Directory& directory);
  Status visit_segment(const TableSpec& spec, const Segment& segment, KeyGroupRange groups, ChangeVisitor& visitor);
  Status damaged(std::string_view what) const;

  std::unique_ptr<Database> db_;
  std::vector<std::int64_t> ids_;                        // of tables_
  std::vector<std::unique_ptr<Directory>> directories_;  // of those that were asked for
};

}  // namespace stream
