#include "snapshot/snapshot_file.h"

#include "snapshot/format_version.h"
#include "snapshot/packed_file.h"
#include "snapshot/savepoint_file.h"

namespace stream {

Result<std::unique_ptr<SnapshotFile>> SnapshotFile::open(const std::string& path) {
  const SavepointPart part = split_part(path);
  STREAM_ASSIGN(auto db, open_versioned(part.path, FormatPart::kState));
  STREAM_ASSIGN(
      const std::int64_t plain,
      db->query_integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_stream_tables'"));
  return plain != 0 ? SavepointFile::open(std::move(db), part.name) : PackedFile::open(std::move(db));
}

}  // namespace stream
