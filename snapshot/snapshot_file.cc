#include "snapshot/snapshot_file.h"

#include "snapshot/packed_file.h"
#include "snapshot/sqlite.h"

namespace stream {

Result<std::unique_ptr<SnapshotFile>> SnapshotFile::open(const std::string& path) {
  STREAM_ASSIGN(auto db, Database::open(path));
  STREAM_ASSIGN(const std::int64_t version, db->query_integer("PRAGMA user_version"));
  if (version > kSnapshotVersion) {
    return usage_error("'" + path + "' has format version " + std::to_string(version) + ", this release reads up to " +
                       std::to_string(kSnapshotVersion));
  }
  if (version != kSnapshotVersion) return corrupt("unable to read '" + path + "': not a snapshot");
  return PackedFile::open(std::move(db));
}

}  // namespace stream
