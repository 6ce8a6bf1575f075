#include <zstd.h>

#include <algorithm>

#include "snapshot/digest.h"
#include "snapshot/grouping.h"
#include "snapshot/packed_file.h"
#include "snapshot/row_block.h"
#include "snapshot/segment.h"
#include "snapshot/sqlite.h"

namespace stream {
namespace {

constexpr int kZstdLevel = 1;
constexpr std::size_t kAhead = 16;  // rows whose cache misses are under way

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Compressed, or empty if that does not make it smaller.
std::string compressed(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0 || size >= bytes.size()) return {};
  out.resize(size);
  return out;
}

Batch first_columns(const Batch& batch, std::size_t count) {
  return {nullptr, batch.rows, {batch.columns.begin(), batch.columns.begin() + static_cast<std::ptrdiff_t>(count)}, {}};
}

Batch batch_of(const RowBlock& block, std::size_t columns) {
  Batch batch{nullptr, block.rows(), {}, {}};
  for (std::size_t i = 0; i < columns; ++i) batch.columns.push_back(block.column(i));
  return batch;
}

// Those that were there when the capture was taken. None was added below a time that all had been dropped before.
RowList rows_of(const TableCapture& table) {
  const RowReferences& from = table.references;
  const bool some_left = table.before && from.time_column != SIZE_MAX;
  const auto left = [&](Row row) {
    if (!some_left || table.layout->is_null(row, from.time_column)) return false;
    std::int64_t time;
    std::memcpy(&time, row.at + table.layout->offset(from.time_column), sizeof time);
    return time < *table.before;
  };
  RowList rows;
  rows.reserve(from.bound());
  for (const SealedRows& part : from.parts) {
    const RowList& all = *part.rows;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i + kAhead < all.size()) __builtin_prefetch(all[i + kAhead].at);
      if (RowLayout::generation(all[i]) == part.generation && !left(all[i])) rows.push_back(all[i]);
    }
  }
  return rows;
}

std::size_t size_of(const RowLayout& layout, std::span<const Row> rows) {
  std::size_t bytes = rows.size() * layout.value_bytes();
  if (layout.variable_columns().empty()) return bytes;
  const std::size_t first = layout.offset(layout.variable_columns().front());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) __builtin_prefetch(rows[i + kAhead].at + first);
    for (const std::uint32_t column : layout.variable_columns()) bytes += layout.string(rows[i], column)->length;
  }
  return bytes;
}

}  // namespace

const std::string_view kSnapshotDdl = R"sql(PRAGMA user_version = 2;

CREATE TABLE meta (               -- exactly one row: whose state this is
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  kind        TEXT    NOT NULL CHECK (kind IN ('base', 'increment')),
  job         TEXT    NOT NULL,
  run         TEXT    NOT NULL,
  attempt     INTEGER NOT NULL CHECK (attempt >= 0),
  stage       TEXT    NOT NULL,
  instance    INTEGER NOT NULL CHECK (instance >= 0),
  parallelism INTEGER NOT NULL CHECK (parallelism > instance),
  key_groups  INTEGER NOT NULL CHECK (key_groups > 0),
  epoch       INTEGER NOT NULL CHECK (epoch > 0)
) STRICT;

CREATE TABLE tables (             -- the state tables
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  spec        TEXT    NOT NULL    -- JSON: columns, distribution, access paths, definitions
) STRICT;

CREATE TABLE segments (           -- what happened to them, in the order it applies
  id          INTEGER PRIMARY KEY,
  table_id    INTEGER NOT NULL REFERENCES tables (id),
  kind        TEXT    NOT NULL CHECK (kind IN ('clear', 'before', 'tombstones', 'rows')),
  first_group INTEGER NOT NULL CHECK (first_group >= 0),
  last_group  INTEGER NOT NULL CHECK (last_group >= first_group),
  rows        INTEGER NOT NULL CHECK (rows >= 0),
  before      INTEGER CHECK ((before IS NOT NULL) = (kind = 'before')),
  codec       TEXT    NOT NULL CHECK (codec IN ('raw', 'zstd')),
  raw_size    INTEGER NOT NULL CHECK (raw_size >= 0),
  xxh3        BLOB    NOT NULL CHECK (length(xxh3) = 16),  -- XXH3-128 of bytes
  bytes       BLOB    NOT NULL
) STRICT;
)sql";

PackedFileWriter::PackedFileWriter(std::unique_ptr<Database> db, SnapshotIdentity identity, PackOptions options)
    : db_(std::move(db)), identity_(std::move(identity)), options_(options) {}
PackedFileWriter::~PackedFileWriter() = default;

Result<std::unique_ptr<PackedFileWriter>> PackedFileWriter::create(const std::string& path, SnapshotIdentity identity,
                                                                   PackOptions options) {
  STREAM_ASSIGN(auto db, Database::create(path, options.large));
  STREAM_TRY(db->execute(std::string(kSnapshotDdl)));
  STREAM_ASSIGN(Statement meta, db->prepare("INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  meta.bind_text(1, identity.base ? "base" : "increment").bind_text(2, identity.job).bind_text(3, identity.run);
  meta.bind(4, std::int64_t{identity.attempt.value()}).bind_text(5, identity.stage);
  meta.bind(6, std::int64_t{identity.instance}).bind(7, std::int64_t{identity.parallelism});
  meta.bind(8, std::int64_t{identity.key_groups}).bind(9, static_cast<std::int64_t>(identity.epoch.value()));
  STREAM_TRY(meta.run());
  return std::unique_ptr<PackedFileWriter>(new PackedFileWriter(std::move(db), std::move(identity), options));
}

Status PackedFileWriter::start_table(const TableSpec& spec) {
  spec_ = spec;
  ++table_;
  const std::string json = spec_to_json(spec);
  STREAM_ASSIGN(Statement insert, db_->prepare("INSERT INTO tables VALUES (?, ?, ?)"));
  return insert.bind(1, table_).bind_text(2, spec.name).bind_text(3, json).run();
}

Status PackedFileWriter::add_mark(std::string_view kind, std::optional<std::int64_t> before) {
  STREAM_ASSIGN(Statement insert,
                db_->prepare("INSERT INTO segments VALUES (NULL, ?, ?, 0, ?, 0, ?, 'raw', 0, ?, x'')"));
  const auto hash = xxh3_128({});
  insert.bind(1, table_).bind_text(2, kind).bind(3, std::int64_t{identity_.key_groups} - 1);
  before ? insert.bind(4, *before) : insert.bind_null(4);
  return insert.bind_blob(5, {hash.data(), hash.size()}).run();
}

Status PackedFileWriter::add_clear() { return add_mark("clear", std::nullopt); }
Status PackedFileWriter::add_before(std::int64_t before) { return add_mark("before", before); }

Status PackedFileWriter::add_segment(std::string_view kind, KeyGroupRange groups, const Batch& batch) {
  ByteBuilder raw(batch.size_bytes() + 4096);
  append_segment(batch, raw);
  const std::string small = options_.compress ? compressed(view(raw.data(), raw.size())) : std::string();
  const std::string_view bytes = small.empty() ? view(raw.data(), raw.size()) : std::string_view(small);
  const auto hash = xxh3_128(bytes);
  STREAM_ASSIGN(Statement insert, db_->prepare("INSERT INTO segments VALUES (NULL, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)"));
  insert.bind(1, table_).bind_text(2, kind);
  insert.bind(3, std::int64_t{groups.begin}).bind(4, std::int64_t{groups.end} - 1);
  insert.bind(5, static_cast<std::int64_t>(batch.rows)).bind_text(6, small.empty() ? "raw" : "zstd");
  insert.bind(7, static_cast<std::int64_t>(raw.size())).bind_blob(8, {hash.data(), hash.size()});
  return insert.bind_blob(9, bytes).run();
}

// Take(rows) -> Batch of the rows at these positions.
template <class Take>
Status PackedFileWriter::add_grouped(std::string_view kind, const Batch& keys, std::size_t size_bytes,
                                     const Take& take) {
  const Grouping grouping = group_rows(spec_, keys, identity_.key_groups, size_bytes);
  for (const Piece& piece : grouping.pieces) {
    const auto rows = std::span(grouping.order).subspan(piece.begin, piece.end - piece.begin);
    STREAM_TRY(add_segment(kind, piece.groups, take(rows)));
  }
  return {};
}

Status PackedFileWriter::add_tombstones(const Batch& keys) {
  return add_grouped("tombstones", keys, keys.size_bytes(), [&](auto rows) { return keys.take(rows); });
}

Status PackedFileWriter::add_rows(const Batch& rows) {
  STREAM_CHECK(rows.columns.size() == spec_.columns());
  return add_grouped("rows", first_columns(rows, spec_.key.size()), rows.size_bytes(),
                     [&](auto positions) { return rows.take(positions); });
}

// Visit(begin, count) -> Status, for parts of `rows` rows that have `size_bytes` together: sorting needs memory.
template <class Visit>
Status PackedFileWriter::in_parts(std::size_t rows, std::size_t size_bytes, const Visit& visit) const {
  const std::size_t parts = size_bytes / options_.sorted_at_once + 1;
  const std::size_t most = (rows + parts - 1) / parts;
  for (std::size_t begin = 0; begin < rows; begin += most) STREAM_TRY(visit(begin, std::min(most, rows - begin)));
  return {};
}

Status PackedFileWriter::add_pack(const RowLayout& layout, const RowPack& pack, bool keys_only) {
  const std::size_t columns = keys_only ? layout.key_columns() : layout.columns();
  const std::size_t row_bytes = pack.size_bytes() / pack.rows() + 1;
  return in_parts(pack.rows(), pack.size_bytes(), [&](std::size_t begin, std::size_t count) {
    std::vector<std::uint32_t> of_pack;
    const auto take = [&](std::span<const std::uint32_t> positions) {
      of_pack.assign(positions.begin(), positions.end());
      for (std::uint32_t& position : of_pack) position += static_cast<std::uint32_t>(begin);
      return batch_of(RowBlock(layout, pack, of_pack), columns);
    };
    return add_grouped(keys_only ? "tombstones" : "rows",
                       batch_of(RowBlock(layout, pack, begin, count), group_columns_of(spec_).size()),
                       count * row_bytes, take);
  });
}

Status PackedFileWriter::add_references(const RowLayout& layout, const TableCapture& table) {
  const RowList all = rows_of(table);
  return in_parts(all.size(), size_of(layout, all), [&](std::size_t begin, std::size_t count) {
    const auto rows = std::span(all).subspan(begin, count);
    const auto take = [&](std::span<const std::uint32_t> positions) {
      std::vector<Row> some(positions.size());
      std::ranges::transform(positions, some.begin(), [&](std::uint32_t position) { return rows[position]; });
      return batch_of(RowBlock(layout, some, layout.value_bytes()), layout.columns());
    };
    const Batch keys = batch_of(RowBlock(layout, rows, layout.key_bytes()), group_columns_of(spec_).size());
    return add_grouped("rows", keys, size_of(layout, rows), take);
  });
}

Status PackedFileWriter::add_table(const TableCapture& table) {
  STREAM_TRY(start_table(*table.spec));
  if (table.cleared) STREAM_TRY(add_clear());
  if (table.before) STREAM_TRY(add_before(*table.before));
  for (const auto& pack : table.tombstones) STREAM_TRY(add_pack(*table.layout, *pack, true));
  if (!table.rows.empty()) STREAM_TRY(add_pack(*table.layout, table.rows, false));
  if (!table.references.parts.empty()) STREAM_TRY(add_references(*table.layout, table));
  for (const OutboxBatch& batch : table.batches) STREAM_TRY(add_rows(outbox_rows(batch)));
  return {};
}

Status PackedFileWriter::finish() { return db_->finish(); }

}  // namespace stream
