#include "snapshot/packed_file.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

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
  enum class Kind : std::uint8_t { kClear, kBefore, kTombstones, kRows };
  std::int64_t id = 0;
  Kind kind = Kind::kRows;
  bool compressed = false;
  KeyGroupRange groups;
  std::int64_t rows = 0;
  std::int64_t before = 0;
  std::int64_t raw_size = 0;
  std::int64_t size = 0;
  std::array<char, 16> xxh3{};

  static std::optional<Kind> kind_of(std::string_view name) {
    if (name == "clear") return Kind::kClear;
    if (name == "before") return Kind::kBefore;
    if (name == "tombstones") return Kind::kTombstones;
    if (name == "rows") return Kind::kRows;
    return std::nullopt;
  }
};

struct PackedFile::Directory {
  std::vector<Segment> segments;  // in the order in which they apply
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
    directories_.emplace_back();
    tables_.push_back(*std::move(spec));
  }
}

Result<const PackedFile::Directory*> PackedFile::directory(std::size_t index) {
  if (directories_[index] == nullptr) {
    auto read = std::make_unique<Directory>();
    STREAM_TRY(read_directory(index, *read));
    directories_[index] = std::move(read);
  }
  return directories_[index].get();
}

Status PackedFile::read_directory(std::size_t index, Directory& directory) {
  STREAM_ASSIGN(
      Statement find,
      db_->prepare(
          "SELECT id, kind, first_group, last_group, rows, before, codec, raw_size, xxh3, length(bytes) FROM segments "
          "WHERE table_id = ? ORDER BY id"));
  find.bind(1, ids_[index]);
  for (;;) {
    STREAM_ASSIGN(const bool row, find.step());
    if (!row) return {};
    const std::optional<Segment::Kind> kind = Segment::kind_of(find.text(1));
    const std::string_view hash = find.blob(8);
    Segment segment{.id = find.integer(0),
                    .compressed = find.text(6) == "zstd",
                    .groups = {u32(find.integer(2)), u32(find.integer(3)) + 1},
                    .rows = find.integer(4),
                    .before = find.integer(5),
                    .raw_size = find.integer(7),
                    .size = find.integer(9)};
    if (!kind) return damaged("segment " + std::to_string(segment.id) + " is of an unknown kind");
    if (hash.size() != segment.xxh3.size()) return damaged("segment " + std::to_string(segment.id) + " has no hash");
    segment.kind = *kind;
    std::ranges::copy(hash, segment.xxh3.begin());
    directory.segments.push_back(segment);
  }
}

Status PackedFile::visit(std::size_t index, KeyGroupRange groups, ChangeVisitor& visitor) {
  STREAM_ASSIGN(const Directory* found, directory(index));
  for (const Segment& segment : found->segments) {
    if (segment.groups.begin >= groups.end || segment.groups.end <= groups.begin) continue;
    STREAM_TRY(visit_segment(tables_[index], segment, groups, visitor));
  }
  return {};
}

Status PackedFile::visit_segment(const TableSpec& spec, const Segment& segment, KeyGroupRange groups,
                                 ChangeVisitor& visitor) {
  if (segment.kind == Segment::Kind::kClear) return visitor.clear();
  if (segment.kind == Segment::Kind::kBefore) return visitor.drop_before(segment.before);
  if (segment.size < 0 || segment.raw_size < 0 || segment.raw_size > kRawSizeMax) return damaged("impossible size");
  ByteBuilder stored;
  const std::span<std::uint8_t> into(stored.extend(static_cast<std::size_t>(segment.size)),
                                     static_cast<std::size_t>(segment.size));
  STREAM_TRY(db_->read_blob("segments", segment.id, into));
  Buffer bytes = stored.finish();
  if (xxh3_128({bytes.as<char>(), bytes.size()}) != segment.xxh3)
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
  const bool rows = segment.kind == Segment::Kind::kRows;
  if (!types_match(spec, *batch, rows ? spec.columns() : spec.key.size()))
    return damaged("a segment has other columns than its table");
  if (static_cast<std::int64_t>(batch->rows) != segment.rows) return damaged("a segment has not its number of rows");
  const bool exact = segment.groups.begin >= groups.begin && segment.groups.end <= groups.end;
  return rows ? visitor.rows(*batch, exact) : visitor.tombstones(*batch, exact);
}

Result<std::vector<SnapshotFile::Weight>> PackedFile::weights(std::size_t index) {
  STREAM_ASSIGN(const Directory* found, directory(index));
  std::vector<Weight> weights;
  for (const Segment& segment : found->segments) {
    const bool rows = segment.kind == Segment::Kind::kRows;
    if (!rows && segment.kind != Segment::Kind::kTombstones) continue;
    const std::int64_t count = rows ? std::clamp<std::int64_t>(segment.rows, 0, segment.size) : 0;
    weights.push_back(
        {segment.groups, static_cast<std::uint64_t>(segment.raw_size), static_cast<std::uint64_t>(count)});
  }
  return weights;
}

Result<bool> PackedFile::has_marks(std::size_t index) {
  STREAM_ASSIGN(const Directory* found, directory(index));
  return std::ranges::any_of(found->segments, [](const Segment& segment) {
    return segment.kind == Segment::Kind::kClear || segment.kind == Segment::Kind::kBefore;
  });
}

}  // namespace stream
