// Files that are read to become one, which others can build on.
#include <algorithm>

#include "snapshot/restore.h"
#include "snapshot/table_slices.h"

namespace stream {
namespace {

Status merge_table(RestoreReader& reader, const TableSpec& spec, RestoreTarget target, std::uint64_t piece_bytes,
                   PackedFileWriter& out, const RunStep& run) {
  STREAM_ASSIGN(const auto pieces, reader.cut(spec, reader.groups_of(spec), piece_bytes));
  const auto merge = [&](KeyGroupRange piece) -> Status {
    StateTable table(without_paths(spec), false);
    STREAM_TRY(reader.load(piece, table));
    return for_each_slice(table, target.key_groups, kSliceBytesMax,
                          [&](const Batch& rows) { return out.add_rows(rows); });
  };
  for (const KeyGroupRange piece : pieces) STREAM_TRY(run([&] { return merge(piece); }));
  return {};
}

Status merge_outbox(RestoreReader& reader, const TableSpec& spec, RestoreTarget target, PackedFileWriter& out) {
  Outbox outbox(spec, target.instance, false);
  STREAM_TRY(reader.load(outbox));
  for (const OutboxBatch& batch : outbox.all()) STREAM_TRY(out.add_rows(outbox_rows(batch)));
  return {};
}

// The tables to write: as they are now, or as they were kept where nobody says.
std::vector<TableSpec> tables_to_write(const RestoreReader& reader, const std::vector<TableSpec>& wanted) {
  if (wanted.empty()) return reader.tables();
  std::vector<TableSpec> tables;
  std::ranges::copy_if(wanted, std::back_inserter(tables),
                       [&](const TableSpec& spec) { return reader.kept_for(spec.name) != nullptr; });
  return tables;
}

}  // namespace

Status merge_files(const RestoreSource& source, RestoreTarget target, const std::vector<TableSpec>& wanted,
                   std::uint64_t piece_bytes, PackedFileWriter& out, const RunStep& run) {
  STREAM_ASSIGN(const auto reader, RestoreReader::open(source, target));
  for (const TableSpec& spec : tables_to_write(*reader, wanted)) {
    STREAM_TRY(out.start_table(spec));
    STREAM_TRY(is_outbox(spec) ? merge_outbox(*reader, spec, target, out)
                               : merge_table(*reader, spec, target, piece_bytes, out, run));
  }
  return {};
}

}  // namespace stream
