#include "snapshot/packed_file.h"

#include <zstd.h>

#include <cstring>

#include "snapshot/digest.h"
#include "snapshot/segment.h"
#include "snapshot/sqlite.h"

namespace stream {
namespace {

// What a segment may unpack to: 64 Ki rows of ordinary size, with a wide margin.
constexpr std::int64_t kRawSizeMax = INT32_MAX;

std::uint32_t u32(std::int64_t value) { return static_cast<std::uint32_t>(value); }

bool types_match(const TableSpec& spec, const Batch& batch, std::size_t columns) {
  if (batch.columns.size() != columns) return false;
  for (std::size_t i = 0; i < columns; ++i) {
    if (batch.columns[i].type() != spec.field(i).type) return false;
  }
  return true;
}

}  // namespace

struct PackedFile::Segment {
  std::int64_t id = 0;
  std::string kind;
  KeyGroupRange groups;
  std::int64_t rows = 0;
  std::int64_t before = 0;
  bool compressed = false;
  std::int64_t raw_size = 0;
  std::string xxh3;
  std::int64_t size = 0;
};

PackedFile::PackedFile(std::unique_ptr<Database> db) : db_(std::move(db)) {}
PackedFile::~PackedFile() = default;

Status PackedFile::damaged(std::string_view what) const {
  return corrupt("unable to read '" + db_->path() + "': " + std::string(what));
}

Result<std::unique_ptr<SnapshotFile>> PackedFile::open(std::unique_ptr<Database> db) {
  std::unique_ptr<PackedFile> file(new PackedFile(std::move(db)));
  STREAM_TRY(file->read_meta());
  STREAM_TRY(file->read_tables());
  return std::unique_ptr<SnapshotFile>(std::move(file));
}

Status PackedFile::read_meta() {
  STREAM_ASSIGN(Statement meta, db_->prepare("SELECT kind, job, run, attempt, stage, instance, parallelism, "
                                             "key_groups, epoch FROM meta"));
  STREAM_ASSIGN(const bool row, meta.step());
  if (!row) return damaged("it says nothing about itself");
  identity_.base = meta.text(0) == "base";
  identity_.job = meta.text(1);
  identity_.run = meta.text(2);
  identity_.attempt = Attempt(u32(meta.integer(3)));
  identity_.stage = meta.text(4);
  identity_.instance = u32(meta.integer(5));
  identity_.parallelism = u32(meta.integer(6));
  identity_.key_groups = u32(meta.integer(7));
  identity_.epoch = Epoch(static_cast<std::uint64_t>(meta.integer(8)));
  if (identity_.key_groups == 0 || identity_.instance >= identity_.parallelism) return damaged("impossible numbers");
  return {};
}

Status PackedFile::read_tables() {
  STREAM_ASSIGN(Statement tables, db_->prepare("SELECT id, name, spec FROM tables ORDER BY id"));
  for (;;) {
    STREAM_ASSIGN(const bool row, tables.step());
    if (!row) return {};
    Result<TableSpec> spec = spec_from_json(tables.text(2));
    if (!spec.ok()) return damaged(spec.status().what());
    if (spec->name != tables.text(1)) return damaged("a table goes by two names");
    ids_.push_back(tables.integer(0));
    tables_.push_back(*std::move(spec));
  }
}

Status PackedFile::visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) {
  STREAM_ASSIGN(
      Statement find,
      db_->prepare(
          "SELECT id, kind, first_group, last_group, rows, before, codec, raw_size, xxh3, length(bytes) FROM segments "
          "WHERE table_id = ? AND first_group < ? AND last_group >= ? ORDER BY id"));
  find.bind(1, ids_[index]).bind(2, std::int64_t{groups.end}).bind(3, std::int64_t{groups.begin});
  for (;;) {
    STREAM_ASSIGN(const bool row, find.step());
    if (!row) return {};
    const Segment segment{find.integer(0), std::string(find.text(1)), {u32(find.integer(2)), u32(find.integer(3)) + 1},
                          find.integer(4), find.integer(5),           find.text(6) == "zstd",
                          find.integer(7), std::string(find.blob(8)), find.integer(9)};
    STREAM_TRY(visit_segment(tables_[index], segment, groups, visitor));
  }
}

Status PackedFile::visit_segment(const TableSpec& spec, const Segment& segment, KeyGroupRange groups,
                                 ChangeVisitor& visitor) {
  if (segment.kind == "clear") return visitor.clear();
  if (segment.kind == "before") return visitor.drop_before(segment.before);
  if (segment.size < 0 || segment.raw_size < 0 || segment.raw_size > kRawSizeMax) return damaged("impossible size");
  ByteBuilder stored;
  const std::span<std::uint8_t> into(stored.extend(static_cast<std::size_t>(segment.size)),
                                     static_cast<std::size_t>(segment.size));
  STREAM_TRY(db_->read_blob("segments", segment.id, into));
  Buffer bytes = stored.finish();
  const auto hash = xxh3_128({bytes.as<char>(), bytes.size()});
  if (std::string_view(hash.data(), hash.size()) != segment.xxh3)
    return damaged("segment " + std::to_string(segment.id) + " does not match its hash");
  if (segment.compressed) {
    const auto size = static_cast<std::size_t>(segment.raw_size);
    ByteBuilder unpacked;
    std::uint8_t* out = unpacked.extend(size);
    if (ZSTD_decompress(out, size, bytes.data(), bytes.size()) != size) return damaged("a segment does not unpack");
    bytes = unpacked.finish();
  }
  Result<Batch> batch = read_segment(bytes);
  if (!batch.ok()) return damaged(batch.status().what());
  const bool rows = segment.kind == "rows";
  if (!types_match(spec, *batch, rows ? spec.columns() : spec.key.size()))
    return damaged("a segment has other columns than its table");
  if (static_cast<std::int64_t>(batch->rows) != segment.rows) return damaged("a segment has not its number of rows");
  const bool exact = segment.groups.begin >= groups.begin && segment.groups.end <= groups.end;
  return rows ? visitor.rows(*batch, exact) : visitor.tombstones(*batch, exact);
}

Result<std::vector<SnapshotFile::Weight>> PackedFile::weights(std::size_t index) {
  STREAM_ASSIGN(
      Statement find,
      db_->prepare(
          "SELECT first_group, last_group, raw_size, iif(kind = 'rows', min(rows, length(bytes)), 0) FROM segments "
          "WHERE table_id = ? AND kind IN ('rows', 'tombstones')"));
  find.bind(1, ids_[index]);
  std::vector<Weight> weights;
  for (;;) {
    STREAM_ASSIGN(const bool row, find.step());
    if (!row) return weights;
    weights.push_back({{u32(find.integer(0)), u32(find.integer(1)) + 1},
                       static_cast<std::uint64_t>(find.integer(2)),
                       static_cast<std::uint64_t>(std::max<std::int64_t>(find.integer(3), 0))});
  }
}

Result<bool> PackedFile::has_marks(std::size_t index) {
  STREAM_ASSIGN(Statement find,
                db_->prepare("SELECT 1 FROM segments WHERE table_id = ? AND kind IN ('clear', 'before')"));
  find.bind(1, ids_[index]);
  return find.step();
}

}  // namespace stream
